import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RotationRoute, SCRIPT_KINDS, type ScriptKind } from '../../src/domain/targets.ts';
import { type Route, routePath, routeUrl } from '../../src/graph/routes.ts';
import { GRAPH_ROOT } from './fakes.ts';

const FIELDS =
  'id,azureADDeviceId,deviceName,operatingSystem,osVersion,isEncrypted,deviceEnrollmentType,managementAgent,managementState,lastSyncDateTime';

type Ids = readonly [string, string, string, string];
const scriptForm = (via: ScriptKind) => ({
  of: ([scriptId, deviceRunStateId]: Ids): RotationRoute => ({ via, scriptId, deviceRunStateId }),
  path: [`${via}s`, '*', 'deviceRunStates', '*', 'managedDevice'],
});
/** The seven forms, and their paths below `/deviceManagement` with a star for each id. */
const FORMS: readonly { readonly of: (ids: Ids) => RotationRoute; readonly path: readonly string[] }[] = [
  { of: ([managedDeviceId]) => ({ via: 'managedDevice', managedDeviceId }), path: ['managedDevices', '*'] },
  { of: ([managedDeviceId]) => ({ via: 'comanagedDevice', managedDeviceId }), path: ['comanagedDevices', '*'] },
  ...SCRIPT_KINDS.map(scriptForm),
  {
    of: ([scriptId, deviceRunStateId, userId, managedDeviceId]) => ({
      ...{ via: 'scriptUser', scriptId, deviceRunStateId, userId, managedDeviceId },
    }),
    path: [...scriptForm('deviceManagementScript').path, 'users', '*', 'managedDevices', '*'],
  },
  {
    of: ([scriptId, deviceRunStateId, detectedAppId, managedDeviceId]) => ({
      ...{ via: 'scriptDetectedApp', scriptId, deviceRunStateId, detectedAppId, managedDeviceId },
    }),
    path: [...scriptForm('deviceManagementScript').path, 'detectedApps', '*', 'managedDevices', '*'],
  },
];

const rotation = (target: RotationRoute): Route => ({ to: 'rotation', target });
const state = { scriptId: 's1', deviceRunStateId: 's1:d1' };

describe('routePath', () => {
  it.each<[string, RotationRoute, string]>([
    ['a managed device', { via: 'managedDevice', managedDeviceId: 'd1' }, '/managedDevices/d1'],
    ['a co-managed device', { via: 'comanagedDevice', managedDeviceId: 'd1' }, '/comanagedDevices/d1'],
    [
      'a health script',
      { via: 'deviceHealthScript', ...state },
      '/deviceHealthScripts/s1/deviceRunStates/s1%3Ad1/managedDevice',
    ],
    [
      'a management script',
      { via: 'deviceManagementScript', ...state },
      '/deviceManagementScripts/s1/deviceRunStates/s1%3Ad1/managedDevice',
    ],
    [
      'a compliance script',
      { via: 'deviceComplianceScript', ...state },
      '/deviceComplianceScripts/s1/deviceRunStates/s1%3Ad1/managedDevice',
    ],
    [
      "a script's user",
      { via: 'scriptUser', ...state, userId: 'ann@contoso.com', managedDeviceId: 'd2' },
      '/deviceManagementScripts/s1/deviceRunStates/s1%3Ad1/managedDevice/users/ann%40contoso.com/managedDevices/d2',
    ],
    [
      "a script's detected app",
      { via: 'scriptDetectedApp', ...state, detectedAppId: 'app', managedDeviceId: 'd2' },
      '/deviceManagementScripts/s1/deviceRunStates/s1%3Ad1/managedDevice/detectedApps/app/managedDevices/d2',
    ],
  ])('rotates by way of %s, on beta only', (_name, target, path) => {
    expect(routePath(rotation(target))).toEqual({
      version: 'beta',
      path: `/deviceManagement${path}/rotateBitLockerKeys`,
    });
  });

  it('lists Windows devices on v1.0, with exactly the fields a plan reads', () => {
    const url = new URL(routeUrl(GRAPH_ROOT, { to: 'windowsDevices' }));
    expect(url.pathname).toBe('/v1.0/deviceManagement/managedDevices');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      $filter: "operatingSystem eq 'Windows'",
      $select:
        'id,azureADDeviceId,deviceName,operatingSystem,osVersion,isEncrypted,deviceEnrollmentType,managementAgent,managementState,lastSyncDateTime',
    });
  });

  it.each<Route>([{ to: 'recoveryKeys' }, { to: 'recoveryKeysOf', entraDeviceId: 'e1' }])(
    'selects key metadata and never the key: $to',
    (route) => {
      const url = new URL(routeUrl(GRAPH_ROOT, route));
      expect(url.pathname).toBe('/v1.0/informationProtection/bitlocker/recoveryKeys');
      expect(url.searchParams.get('$select')).toBe('id,createdDateTime,deviceId,volumeType');
    },
  );

  it('reads encryption states on beta and action results on v1.0', () => {
    expect(routePath({ to: 'encryptionState', managedDeviceId: 'd1' })).toEqual({
      version: 'beta',
      path: '/deviceManagement/managedDeviceEncryptionStates/d1',
    });
    expect(routePath({ to: 'actionResults', managedDeviceId: 'd1' })).toEqual({
      version: 'v1.0',
      path: '/deviceManagement/managedDevices/d1?$select=id,deviceActionResults',
    });
  });

  it('keeps a quote inside an OData literal inside it', () => {
    const url = new URL(routeUrl(GRAPH_ROOT, { to: 'devicesOf', entraDeviceId: "x' or 'a' eq 'a" }));
    expect(url.searchParams.get('$filter')).toBe("azureADDeviceId eq 'x'' or ''a'' eq ''a'");
  });

  it.each(['', '.', '..', '../x', 'a/b', 'a\\b', 'a?b', 'a#b', '%2e%2e', 'a\nb', '\u0000', '\ud800'])(
    'refuses the id %j',
    (id) => {
      expect(() => routePath({ to: 'device', managedDeviceId: id })).toThrow(TypeError);
    },
  );

  it('reads co-managed devices and run states of scripts on beta, with the same fields', () => {
    expect(routePath({ to: 'comanagedDevice', managedDeviceId: 'd1' })).toEqual({
      version: 'beta',
      path: `/deviceManagement/comanagedDevices/d1?$select=${FIELDS}`,
    });
    for (const kind of SCRIPT_KINDS) {
      expect(routePath({ to: 'runStates', kind, scriptId: 's1' })).toEqual({
        version: 'beta',
        path: `/deviceManagement/${kind}s/s1/deviceRunStates?$expand=managedDevice($select=${FIELDS})`,
      });
      expect(routePath({ to: 'runState', kind, ...state })).toEqual({
        version: 'beta',
        path: `/deviceManagement/${kind}s/s1/deviceRunStates/s1%3Ad1?$expand=managedDevice($select=${FIELDS})`,
      });
    }
  });

  it('creates encryption states on beta', () => {
    expect(routePath({ to: 'encryptionStates' })).toEqual({
      version: 'beta',
      path: '/deviceManagement/managedDeviceEncryptionStates',
    });
  });

  it('refuses to put text that is none into a filter', () => {
    expect(() => routePath({ to: 'devicesNamed', by: 'deviceName', value: 'PC\ud800' })).toThrow(TypeError);
  });

  it('ids are refused, or each stays one segment that decodes to itself, in every form and whatever they are', () => {
    const id = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
      fc.webPath(),
      fc.constantFrom('d1', 's1:d1', 'ann@contoso.com'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...FORMS), fc.tuple(id, id, id, id), (form, ids) => {
        let url: string;
        try {
          url = routeUrl(GRAPH_ROOT, rotation(form.of(ids)));
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return;
        }
        const parsed = new URL(url);
        const used = ids.slice(0, form.path.filter((step) => step === '*').length);
        expect(parsed.origin).toBe(GRAPH_ROOT);
        expect(parsed.search + parsed.hash).toBe('');
        const segments = parsed.pathname.split('/');
        const expected = ['', 'beta', 'deviceManagement', ...form.path, 'rotateBitLockerKeys'];
        expect(segments.map((segment, i) => (expected[i] === '*' ? '*' : segment))).toEqual(expected);
        expect(segments.filter((_, i) => expected[i] === '*').map(decodeURIComponent)).toEqual(used);
      }),
      { numRuns: 2000 },
    );
  });
});
