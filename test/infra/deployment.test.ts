import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { STORAGE_ROLES } from '../../src/app/doctor/check-storage.ts';
import { parseSettings } from '../../src/config.ts';
import { SETTINGS, type Setting } from '../../src/config-table.ts';
import { parseStorageConnection } from '../../src/storage/connection.ts';
import { CONTAINERS, poisonQueueOf, QUEUES, TABLES } from '../../src/storage/names.ts';
import { INFRA, lastNames, readSnapshot } from './snapshot.ts';

const DEPLOYMENTS = ['main', 'private-network'] as const;
const template = readFileSync(path.join(INFRA, 'main.json'), 'utf8');

function settingsOf(name: string): Readonly<Record<string, string>> {
  return readSnapshot(name).the('Microsoft.Web/sites/config').properties as Readonly<Record<string, string>>;
}

/** A secure parameter has no value in a snapshot; by default this one is empty. */
const SECURE = "[parameters('notifyWebhook')]";

/** What Azure puts in place of an expression, as far as the code cares. */
function evaluated(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const uri = /^\[format\('(https:\/\/\{0\}\.\w+)\.\{1\}', '(\w+)', environment\(\)\.suffixes\.storage\)\]$/;
  const entries = Object.entries(settings).map(([name, value]) => [
    name,
    /\.clientId\]$/.test(value)
      ? '00000000-0000-0000-0000-00000000000a'
      : value
          .replace(SECURE, '')
          .replace(uri, (_all, start: string, account: string) => `${start.replace('{0}', account)}.core.windows.net`),
  ]);
  return Object.fromEntries(entries);
}

describe.each(DEPLOYMENTS)('the deployment %s', (name) => {
  const snapshot = readSnapshot(name);
  const settings = settingsOf(name);

  it('sets every setting of the settings table, with the same default', () => {
    for (const setting of SETTINGS as readonly Setting[]) {
      const given = settings[setting.name];
      switch (setting.name) {
        case 'TENANT_ID':
          expect(given, 'the tenant that is deployed to').toBe('00000000-0000-0000-0000-000000000001');
          break;
        case 'AZURE_CLIENT_ID':
          expect(given, 'the identity of the app').toMatch(
            /userAssignedIdentities\/keyturn-id', '[\d-]+'\)\.clientId\]$/,
          );
          break;
        case 'NOTIFY_WEBHOOK':
          expect(given, 'the one secret, which no snapshot holds').toBe(SECURE);
          break;
        default:
          expect(given, setting.name).toBe(setting.default ?? '');
      }
    }
  });

  it('sets nothing else, besides what the host and its telemetry need', () => {
    const known = SETTINGS.map((setting): string => setting.name);
    const others = Object.keys(settings).filter((key) => !known.includes(key));
    expect(others.filter((key) => !/^(AzureWebJobsStorage__|APPLICATIONINSIGHTS_|OTEL_TRACES_)/.test(key))).toEqual([]);
  });

  it('makes settings that the app accepts, and reaches its own storage with its own identity', () => {
    const environment = evaluated(settings);
    expect(parseSettings(environment)).toMatchObject({ mode: 'dryRun', schedule: '0 0 2 * * *' });
    const account = snapshot.the('Microsoft.Storage/storageAccounts').name;
    expect(parseStorageConnection(environment)).toEqual({
      kind: 'parsed',
      connection: {
        endpoints: {
          table: `https://${account}.table.core.windows.net`,
          queue: `https://${account}.queue.core.windows.net`,
          blob: `https://${account}.blob.core.windows.net`,
        },
        authority: { kind: 'identity', managedIdentity: true, clientId: environment.AZURE_CLIENT_ID },
      },
    });
  });

  it('creates every table, queue, poison queue and container the code uses, and the one with the package', () => {
    const storage = 'Microsoft.Storage/storageAccounts';
    const queues = Object.values(QUEUES).flatMap((queue) => [queue, poisonQueueOf(queue)]);
    expect(lastNames(snapshot.all(`${storage}/tableServices/tables`))).toEqual(Object.values(TABLES).toSorted());
    expect(lastNames(snapshot.all(`${storage}/queueServices/queues`))).toEqual(queues.toSorted());
    expect(lastNames(snapshot.all(`${storage}/blobServices/containers`))).toEqual(
      [...Object.values(CONTAINERS), 'deployment'].toSorted(),
    );
  });

  /** Source: Azure built-in roles (read 2026-11-23). */
  const ROLE_IDS: Readonly<Record<string, string>> = {
    'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
    'Storage Queue Data Contributor': '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
    'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3',
    'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb',
  };

  it('gives the identity every role the code needs, on its own resources, and no other', () => {
    const account = snapshot.the('Microsoft.Storage/storageAccounts').id;
    const insights = snapshot.the('Microsoft.Insights/components').id;
    const identity = snapshot.the('Microsoft.ManagedIdentity/userAssignedIdentities').id;
    const assigned = snapshot.all('Microsoft.Authorization/roleAssignments').map(({ id, properties }) => ({
      on: id?.split('/providers/Microsoft.Authorization/')[0],
      role: String(properties.roleDefinitionId).split('/').at(-1),
      isTheApps: String(properties.principalId).startsWith(`[reference('${identity}'`),
      isExplained: String(properties.description).length > 30,
    }));
    const needed = [
      ...Object.values(STORAGE_ROLES).map((name) => ({ on: account, role: ROLE_IDS[name] })),
      { on: insights, role: ROLE_IDS['Monitoring Metrics Publisher'] },
    ].map((one) => ({ ...one, isTheApps: true, isExplained: true }));
    expect(assigned).toHaveLength(needed.length);
    expect(assigned).toEqual(expect.arrayContaining(needed));
  });

  it('runs on Flex Consumption with the least memory, its own identity, and a package it reads by that identity', () => {
    expect(snapshot.the('Microsoft.Web/serverfarms').sku).toEqual({ name: 'FC1', tier: 'FlexConsumption' });
    const identity = snapshot.the('Microsoft.ManagedIdentity/userAssignedIdentities').id ?? '';
    const app = snapshot.the('Microsoft.Web/sites');
    expect(app.identity).toEqual({ type: 'UserAssigned', userAssignedIdentities: { [identity]: {} } });
    expect(app.properties).toMatchObject({
      httpsOnly: true,
      siteConfig: { ftpsState: 'Disabled', minTlsVersion: '1.2', scmMinTlsVersion: '1.2' },
      functionAppConfig: {
        deployment: {
          storage: {
            type: 'blobContainer',
            value: expect.stringMatching(/\/deployment|'deployment'\)\]$/),
            authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity },
          },
        },
        scaleAndConcurrency: { instanceMemoryMB: 512, maximumInstanceCount: 40 },
        runtime: { name: 'node', version: readFileSync(path.join(INFRA, '../.nvmrc'), 'utf8').trim() },
      },
    });
  });

  it('takes no key and no password anywhere', () => {
    expect(snapshot.the('Microsoft.Storage/storageAccounts').properties).toMatchObject({
      allowSharedKeyAccess: false,
      allowBlobPublicAccess: false,
      supportsHttpsTrafficOnly: true,
      minimumTlsVersion: 'TLS1_2',
    });
    for (const { properties } of snapshot.all('Microsoft.Storage/storageAccounts/blobServices/containers'))
      expect(properties).toEqual({ publicAccess: 'None' });
    const policies = snapshot.all('Microsoft.Web/sites/basicPublishingCredentialsPolicies');
    expect(lastNames(policies)).toEqual(['ftp', 'scm']);
    for (const { properties } of policies) expect(properties).toEqual({ allow: false });
    expect(snapshot.the('Microsoft.Insights/components').properties).toMatchObject({ DisableLocalAuth: true });
    expect(snapshot.the('Microsoft.OperationalInsights/workspaces').properties).toMatchObject({
      features: { disableLocalAuth: true },
    });
    expect(settings.APPLICATIONINSIGHTS_AUTHENTICATION_STRING).toMatch(
      /^\[format\('ClientId=\{0\};Authorization=AAD', /,
    );
  });

  it('deletes old reports and planning chunks, and nothing else', () => {
    const policy = JSON.stringify(snapshot.the('Microsoft.Storage/storageAccounts/managementPolicies').properties);
    expect(policy.match(/"prefixMatch":\["[^"]+"\]/g)).toEqual([
      '"prefixMatch":["reports/"]',
      '"prefixMatch":["work/"]',
    ]);
    expect(snapshot.all('Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies')).toEqual([]);
  });

  it('keeps every log line: the exporter samples nothing', () => {
    expect(settings).toMatchObject({
      OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage',
      OTEL_TRACES_SAMPLER_ARG: '1.0',
    });
  });
});

describe('a private network', () => {
  const snapshot = readSnapshot('private-network');

  it('is off by default', () => {
    const main = readSnapshot('main');
    expect(main.resources.filter(({ type }) => type.startsWith('Microsoft.Network/'))).toEqual([]);
    expect(main.the('Microsoft.Storage/storageAccounts').properties).toMatchObject({ publicNetworkAccess: 'Enabled' });
    expect(main.the('Microsoft.Web/sites').properties.virtualNetworkSubnetId ?? null).toBeNull();
  });

  it('closes storage to everybody else', () => {
    expect(snapshot.the('Microsoft.Storage/storageAccounts').properties).toMatchObject({
      publicNetworkAccess: 'Disabled',
      networkAcls: { defaultAction: 'Deny', bypass: 'None' },
    });
  });

  it('has an endpoint, a zone and a link for each storage service the code calls', () => {
    const account = snapshot.the('Microsoft.Storage/storageAccounts').id;
    const connections = snapshot.all('Microsoft.Network/privateEndpoints').map(({ properties }) => {
      const connected = properties.privateLinkServiceConnections as readonly { readonly properties: unknown }[];
      return connected[0]?.properties;
    });
    const expected = ['blob', 'queue', 'table'].map((group) => ({ privateLinkServiceId: account, groupIds: [group] }));
    expect(connections).toEqual(expected);
    for (const type of [
      'privateDnsZones',
      'privateDnsZones/virtualNetworkLinks',
      'privateEndpoints/privateDnsZoneGroups',
    ])
      expect(snapshot.all(`Microsoft.Network/${type}`), type).toHaveLength(3);
  });

  it('lets the app in, through a subnet of its own', () => {
    const network = snapshot.the('Microsoft.Network/virtualNetworks');
    const subnets = network.properties.subnets as readonly { readonly name: string; readonly properties: object }[];
    expect(subnets.map(({ name }) => name)).toEqual(['app', 'storage']);
    expect(subnets[0]?.properties).toMatchObject({
      delegations: [{ properties: { serviceName: 'Microsoft.App/environments' } }],
    });
    expect(snapshot.the('Microsoft.Web/sites').properties.virtualNetworkSubnetId).toBe(`${network.id}/subnets/app`);
  });
});

describe('options that are off by default', () => {
  const snapshot = readSnapshot('all-options');

  it('let the senders they are given put messages on the request queue, and do nothing else', () => {
    const senders = snapshot
      .all('Microsoft.Authorization/roleAssignments')
      .filter(({ properties }) => !String(properties.principalId).startsWith('['));
    expect(senders.map(({ properties }) => properties.principalId).toSorted()).toEqual([
      '00000000-0000-0000-0000-0000000000a1',
      '00000000-0000-0000-0000-0000000000a2',
    ]);
    for (const { id, properties } of senders) {
      expect(id).toContain('/queueServices/default/queues/rotation-requests/providers/Microsoft.Authorization/');
      expect(properties.roleDefinitionId).toMatch(/\/c6a89b2d-59bc-44d0-9896-0f6e12d7b80a$/);
    }
  });

  it('hold reports fast, and delete none while it is held', () => {
    const storage = 'Microsoft.Storage/storageAccounts';
    const hold = snapshot.the(`${storage}/blobServices/containers/immutabilityPolicies`);
    expect(hold.name).toMatch(/\/reports\/default$/);
    expect(hold.properties).toEqual({ allowProtectedAppendWrites: false, immutabilityPeriodSinceCreationInDays: 400 });
    const policy = JSON.stringify(snapshot.the(`${storage}/managementPolicies`).properties);
    expect(policy.match(/daysAfterModificationGreaterThan":\d+/g)).toEqual([
      'daysAfterModificationGreaterThan":401',
      'daysAfterModificationGreaterThan":90',
    ]);
  });

  it('reach the settings', () => {
    expect(settingsOf('all-options')).toMatchObject({
      ROTATION_MODE: 'live',
      ROTATION_SCHEDULE: '0 0 3 * * 1',
      RECORD_TO_GRAPH: 'true',
    });
    expect(() => parseSettings(evaluated(settingsOf('all-options')))).not.toThrow();
  });
});

describe('the compiled template', () => {
  it('describes every parameter, and asks for none: a deployment without parameters is a dry run', () => {
    const { parameters } = JSON.parse(template) as {
      readonly parameters: Readonly<Record<string, { metadata?: { description?: string }; defaultValue?: unknown }>>;
    };
    for (const [name, { metadata, defaultValue }] of Object.entries(parameters)) {
      expect(metadata?.description, name).toMatch(/\w.{15,}/);
      expect(defaultValue, name).toBeDefined();
    }
    for (const { name } of SETTINGS.filter((setting) => setting.name !== 'AZURE_CLIENT_ID')) {
      const described = Object.values(parameters).filter(({ metadata }) =>
        metadata?.description?.startsWith(`${name}:`),
      );
      expect(described, name).toHaveLength(1);
    }
  });

  it.each([
    ['an account key or shared access signature', /AccountKey|SharedAccess|[?&]sig=|InstrumentationKey=/i],
    ['a function that reads a secret', /list\w*\(|getSecret|newGuid\(/i],
    ['a key vault', /Microsoft\.KeyVault/i],
    ['a password', /password|client_?secret/i],
  ])('holds nowhere %s', (_what, pattern) => {
    for (const text of [template, ...[...DEPLOYMENTS, 'all-options'].map((name) => readSnapshot(name).text)])
      expect(text).not.toMatch(pattern);
    for (const file of [
      'main.bicepparam',
      'private-network.bicepparam',
      'all-options.bicepparam',
      'graph-roles.bicepparam',
    ])
      expect(readFileSync(path.join(INFRA, file), 'utf8')).not.toMatch(pattern);
  });

  it('has one secure parameter, empty by default, which goes to its setting and nowhere else', () => {
    const { parameters } = JSON.parse(template) as {
      readonly parameters: Readonly<Record<string, { readonly type: string; readonly defaultValue?: unknown }>>;
    };
    const secure = Object.entries(parameters).filter(([, { type }]) => /^secure/i.test(type));
    expect(secure).toMatchObject([['notifyWebhook', { type: 'securestring', defaultValue: '' }]]);
    // Declared by the template and by one module; handed over once, used once.
    expect(template.match(/securestring|secureobject/gi)).toHaveLength(2);
    expect(template.match(/parameters\('notifyWebhook'\)/g)).toHaveLength(2);
  });

  it('hands the telemetry address from component to setting, through no parameter and no output', () => {
    expect(template.match(/"[^"]*ConnectionString[^"]*"/gi)).toEqual([
      expect.stringMatching(/^"\[.*reference\(.*\)\.ConnectionString\)?\]?.*"$/s),
    ]);
    for (const name of DEPLOYMENTS)
      expect(Object.keys(readSnapshot(name).outputs)).toEqual(['functionAppName', 'principalId', 'storageAccountName']);
  });
});
