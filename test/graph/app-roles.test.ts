import { describe, expect, it } from 'vitest';
import {
  APP_ROLES,
  FEATURES,
  type GraphOperation,
  lacksRole,
  OPERATION_ROLES,
  roleGrants,
} from '../../src/graph/app-roles.ts';

const rolesOf = (features: Parameters<typeof roleGrants>[0]) => roleGrants(features).map(({ role }) => role);

describe('the app roles to grant', () => {
  it('are for rotating what every run needs, and no right to write configuration', () => {
    expect(rolesOf(['rotation'])).toEqual([
      'DeviceManagementManagedDevices.ReadWrite.All',
      'DeviceManagementConfiguration.Read.All',
      'BitlockerKey.ReadBasic.All',
    ]);
  });

  it('are one more for scripts as targets, and one more for recording to Graph', () => {
    const always = rolesOf(['rotation']);
    const added = (feature: 'scriptTargets' | 'recordToGraph') =>
      rolesOf(['rotation', feature]).filter((role) => !always.includes(role));
    expect(added('scriptTargets')).toEqual(['DeviceManagementScripts.Read.All']);
    expect(added('recordToGraph')).toEqual(['DeviceManagementConfiguration.ReadWrite.All']);
  });

  it('come each once, with their id and every reason', () => {
    const grants = roleGrants(FEATURES);
    expect(new Set(grants.map(({ role }) => role)).size).toBe(grants.length);
    for (const { role, roleId, reasons } of grants) {
      expect(roleId).toBe(APP_ROLES[role]);
      expect(reasons.length).toBeGreaterThan(0);
    }
    expect(grants.find(({ role }) => role === 'DeviceManagementConfiguration.Read.All')?.reasons).toEqual([
      { feature: 'rotation', title: 'read encryption states' },
      { feature: 'scriptTargets', title: 'read run states of scripts' },
    ]);
  });

  it('are none for no feature', () => {
    expect(roleGrants([])).toEqual([]);
  });

  it.each(Object.entries(OPERATION_ROLES))('let Graph answer %s once they are granted', (name, { needs }) => {
    const operation = name as GraphOperation;
    expect(lacksRole(operation, needs)).toBe(false);
    // What no page says cannot be said to be lacking.
    expect(lacksRole(operation, ['User.Read.All'])).toBe(needs.length > 0);
    expect(lacksRole(operation, undefined)).toBe(false);
  });
});
