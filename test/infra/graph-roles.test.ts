import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FEATURES, roleGrants } from '../../src/graph/app-roles.ts';
import { INFRA, readSnapshot } from './snapshot.ts';

const template = readFileSync(path.join(INFRA, 'graph-roles.bicep'), 'utf8');

describe('the Graph roles that graph-roles.bicep grants', () => {
  it('are read from a list that is the one in the code, word for word', () => {
    expect(JSON.parse(readFileSync(path.join(INFRA, 'app-roles.json'), 'utf8'))).toEqual(roleGrants(FEATURES));
    expect(template).toContain("loadJsonContent('app-roles.json')");
  });

  it('can be chosen by every feature the code knows, and no other', () => {
    const union = /^type feature = (.*)$/m.exec(template)?.[1];
    expect(union?.split(' | ').map((name) => name.replaceAll("'", ''))).toEqual(FEATURES);
  });

  it('are by default those of rotation alone: nothing that writes configuration or reads audit logs', () => {
    const { resources, outputs } = readSnapshot('graph-roles');
    const needed = roleGrants(['rotation']);
    expect(resources.map(({ type }) => type)).toEqual(needed.map(() => 'Microsoft.Graph/appRoleAssignedTo@v1.0'));
    expect(resources.map(({ properties }) => properties.appRoleId)).toEqual(needed.map(({ roleId }) => roleId));
    expect(outputs.roles).toEqual(needed.map(({ role }) => role));
    expect(outputs.roles).not.toContain('AuditLog.Read.All');
    expect(outputs.roles).not.toContain('DeviceManagementConfiguration.ReadWrite.All');
  });

  it('are kept apart: the main deployment needs neither the extension nor a directory role', () => {
    expect(readFileSync(path.join(INFRA, 'main.json'), 'utf8')).not.toMatch(/Microsoft\.Graph|microsoftGraph/);
  });
});
