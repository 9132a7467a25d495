import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RotationRoute, type Route, routePath, routeUrl } from '../../src/graph/routes.ts';
import { GRAPH_ROOT } from './fakes.ts';

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

  it('an id is refused or stays one segment that decodes to itself, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.webPath()), (id) => {
        let url: string;
        try {
          url = routeUrl(GRAPH_ROOT, rotation({ via: 'managedDevice', managedDeviceId: id }));
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return;
        }
        const parsed = new URL(url);
        const segments = parsed.pathname.split('/');
        expect(parsed.origin).toBe(GRAPH_ROOT);
        expect(parsed.search + parsed.hash).toBe('');
        expect(segments).toHaveLength(6);
        expect(segments.slice(0, 4)).toEqual(['', 'beta', 'deviceManagement', 'managedDevices']);
        expect(decodeURIComponent(segments[4] ?? '')).toBe(id);
      }),
    );
  });
});
