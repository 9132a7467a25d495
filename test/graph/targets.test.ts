/** Reading the devices that on-demand requests name: in the co-managed view, by name, and by what a script found on them. */
import { describe, expect, it } from 'vitest';
import { parseManagedDeviceId } from '../../src/domain/ids.ts';
import { SCRIPT_KINDS, type ScriptKind } from '../../src/domain/targets.ts';
import type { DeviceNaming } from '../../src/domain/tenant.ts';
import {
  answer,
  type Bench,
  collect,
  createBench,
  errorBody,
  GRAPH_ROOT,
  PLANTED_PASSWORD,
  partsOf,
  type Reply,
  rejection,
} from './fakes.ts';

const FIELDS =
  'id,azureADDeviceId,deviceName,operatingSystem,osVersion,isEncrypted,deviceEnrollmentType,managementAgent,managementState,lastSyncDateTime';
const id = (n: number) => parseManagedDeviceId(`11111111-0000-4000-8000-${String(n).padStart(12, '0')}`);
const device = (n: number) => ({ id: id(n), deviceName: `PC-${n}`, operatingSystem: 'Windows' });
const pathsOf = (bench: Bench) => bench.http.seen.flatMap((seen) => partsOf(seen).map(({ url }) => url));
const urlsOf = (bench: Bench) => pathsOf(bench).map((path) => new URL(path, GRAPH_ROOT));

describe('comanagedDevices', () => {
  it('are read on beta, twenty to a batch, by the fields a plan reads; others are gone', async () => {
    const bench = createBench((seen) =>
      answer(seen, ({ url }) =>
        url.includes(id(1)) ? { status: 200, body: device(1) } : { status: 404, body: errorBody() },
      ),
    );
    const readings = await bench.run(() => bench.tenant.comanagedDevices([id(1), id(2)], bench.options()));
    expect(readings.get(id(1))).toMatchObject({ kind: 'found', value: { managedDeviceId: id(1), deviceName: 'PC-1' } });
    expect(readings.get(id(2))).toEqual({ kind: 'gone' });
    expect(bench.http.seen).toMatchObject([{ method: 'POST', path: '/beta/$batch' }]);
    expect(pathsOf(bench)).toEqual([
      `/deviceManagement/comanagedDevices/${id(1)}?$select=${FIELDS}`,
      `/deviceManagement/comanagedDevices/${id(2)}?$select=${FIELDS}`,
    ]);
    expect(bench.pacer.acquired).toEqual([{ any: 2 }]);
  });
});

describe('devicesNamed', () => {
  const find = (bench: Bench, by: DeviceNaming, values: readonly string[]) =>
    bench.run(() => bench.tenant.devicesNamed(by, values, bench.options()));

  it.each<DeviceNaming>(['deviceName', 'serialNumber', 'userPrincipalName'])(
    'asks v1.0 for Windows devices by %s, and answers by the values as given: none, one or several',
    async (by) => {
      const found: Readonly<Record<string, readonly number[]>> = { none: [], One: [1], 'sev eral': [2, 3] };
      const bench = createBench((seen) =>
        answer(seen, ({ url }) => {
          const filter = new URL(url, GRAPH_ROOT).searchParams.get('$filter') ?? '';
          const value = /^operatingSystem eq 'Windows' and \w+ eq '(.*)'$/.exec(filter)?.[1] ?? '';
          return { status: 200, body: { value: found[value]?.map(device) } };
        }),
      );
      const readings = await find(bench, by, Object.keys(found));
      expect([...readings.keys()]).toEqual(Object.keys(found));
      for (const [value, numbers] of Object.entries(found)) {
        expect(readings.get(value)).toMatchObject({
          kind: 'found',
          value: numbers.map((n) => ({ managedDeviceId: id(n) })),
        });
      }
      expect(bench.http.seen).toMatchObject([{ path: '/v1.0/$batch' }]);
      for (const { pathname, searchParams } of urlsOf(bench)) {
        expect(pathname).toBe('/deviceManagement/managedDevices');
        expect(searchParams.get('$filter')).toMatch(new RegExp(`^operatingSystem eq 'Windows' and ${by} eq '`));
        expect(searchParams.get('$select')).toBe(FIELDS);
      }
      expect(bench.pacer.acquired).toEqual([{ any: 3 }]);
    },
  );

  it.each([
    ["O'Brien's PC", "O''Brien''s PC"],
    ["x' or '1' eq '1", "x'' or ''1'' eq ''1"],
    ['50%&$select=key#', '50%&$select=key#'],
    ['Straße 東京 💻', 'Straße 東京 💻'],
    ['a+b', 'a+b'],
    ['\u0000\n', '\u0000\n'],
  ])('keeps %j inside its literal', async (value, inside) => {
    const bench = createBench((seen) => answer(seen, () => ({ status: 200, body: { value: [] } })));
    expect((await find(bench, 'deviceName', [value])).get(value)).toEqual({
      kind: 'found',
      trace: expect.anything(),
      value: [],
    });
    expect(urlsOf(bench).map(({ searchParams }) => [...searchParams])).toEqual([
      [
        ['$filter', `operatingSystem eq 'Windows' and deviceName eq '${inside}'`],
        ['$select', FIELDS],
      ],
    ]);
  });

  it('finds nothing for text that is none, without asking', async () => {
    const bench = createBench((seen) => answer(seen, () => ({ status: 200, body: { value: [device(1)] } })));
    const readings = await find(bench, 'deviceName', ['PC\ud800', 'PC-1']);
    expect(readings.get('PC\ud800')).toEqual({ kind: 'found', value: [] });
    expect(readings.get('PC-1')).toMatchObject({ kind: 'found', value: [{ managedDeviceId: id(1) }] });
    expect(urlsOf(bench)).toHaveLength(1);
  });

  it('reads on over pages', async () => {
    const next = `${GRAPH_ROOT}/v1.0/deviceManagement/managedDevices?$skiptoken=2`;
    const bench = createBench((seen) =>
      seen.method === 'POST'
        ? answer(seen, () => ({ status: 200, body: { value: [device(1)], '@odata.nextLink': next } }))
        : { body: { value: [device(2)] } },
    );
    const readings = await find(bench, 'userPrincipalName', ['ann@contoso.com']);
    expect(readings.get('ann@contoso.com')).toMatchObject({
      kind: 'found',
      value: [{ managedDeviceId: id(1) }, { managedDeviceId: id(2) }],
    });
  });
});

const EXPAND = `$expand=managedDevice($select=${FIELDS})`;
const RUN_STATES = ['unknown', 'success', 'fail', 'scriptError', 'pending', 'notApplicable'];
const verdictOf = (kind: ScriptKind) => (kind === 'deviceManagementScript' ? 'runState' : 'detectionState');

describe.each(SCRIPT_KINDS)('run states of a %s', (kind) => {
  const path = `/deviceManagement/${kind}s/s1/deviceRunStates`;
  const row = (n: number, state = 'success') => ({
    id: `s1:${id(n)}`,
    [verdictOf(kind)]: state,
    managedDevice: device(n),
    preRemediationDetectionScriptOutput: PLANTED_PASSWORD,
    resultMessage: PLANTED_PASSWORD,
    scriptOutput: PLANTED_PASSWORD,
  });
  const page = (value: unknown, next?: string): Reply => ({
    body: { value, ...(next === undefined ? {} : { '@odata.nextLink': `${GRAPH_ROOT}/${next}` }) },
  });
  const list = (bench: Bench, from?: string) =>
    bench.run(() => collect(bench.tenant.runStatePages(kind, 's1', from, bench.options())));

  it('are listed on beta with their devices, page by page, and from any page on', async () => {
    const next = `beta${path}?$skiptoken=2`;
    const reply = ({ url }: { readonly url: string }) =>
      url.endsWith('skiptoken=2') ? page([row(2, 'fail')]) : page([row(1)], next);
    const bench = createBench(reply);
    const pages = await list(bench);
    expect(pages).toMatchObject([
      { items: [{ runStateId: `s1:${id(1)}`, isFailing: false, device: { managedDeviceId: id(1) } }] },
      { items: [{ runStateId: `s1:${id(2)}`, isFailing: true, device: { managedDeviceId: id(2) } }] },
    ]);
    expect(bench.http.seen.map((seen) => [seen.method, seen.path])).toEqual([
      ['GET', `/beta${path}?${EXPAND}`],
      ['GET', `/${next}`],
    ]);
    expect(bench.pacer.acquired).toEqual([{ any: 1 }, { any: 1 }]);
    expect(JSON.stringify(pages)).not.toContain(PLANTED_PASSWORD);
    expect(await list(createBench(reply), pages[0]?.next)).toEqual(pages.slice(1));
  });

  it.each(RUN_STATES)('say whether the script found a problem: %s', async (state) => {
    const [first] = await list(createBench(() => page([row(1, state)])));
    expect(first?.items[0]?.isFailing).toBe(state === 'fail');
  });

  it('are not failing by the property of the other kinds, nor by none', async () => {
    const other = verdictOf(kind) === 'runState' ? 'detectionState' : 'runState';
    const states = [
      { id: 'a', [other]: 'fail' },
      { id: 'b', [verdictOf(kind)]: null },
    ];
    const [first] = await list(createBench(() => page(states)));
    expect(first?.items.map(({ isFailing }) => isFailing)).toEqual([false, false]);
  });

  it.each([[{}], [{ managedDevice: null }]])('have no device with %j', async (extra) => {
    const [first] = await list(createBench(() => page([{ id: 's1:d1', ...extra }])));
    expect(first?.items).toEqual([{ runStateId: 's1:d1', isFailing: false }]);
  });

  it.each<[string, unknown, string]>([
    ['an id', [row(1), {}], 'value[1].id'],
    ['an id that can be asked about', [{ id: '../x' }], 'value[0].id'],
    ['a state that is text', [{ id: 'a', [verdictOf(kind)]: 5 }], `value[0].${verdictOf(kind)}`],
    ['a device with an id', [{ id: 'a', managedDevice: {} }], 'value[0].managedDevice.id'],
    ['a device that is one', [{ id: 'a', managedDevice: PLANTED_PASSWORD }], 'value[0].managedDevice'],
  ])('are malformed without %s, and the error says where', async (_name, value, at) => {
    const error = await rejection(list(createBench(() => page(value))));
    expect(error).toMatchObject({ kind: 'malformed', message: expect.stringContaining(`malformed at ${at}: `) });
    expect(String(error)).not.toContain(PLANTED_PASSWORD);
  });

  it.each(['https://evil.example/beta/x', `${GRAPH_ROOT}/v1.0${path}?$skiptoken=2`])(
    'send no token after the link %s',
    async (link) => {
      const bench = createBench(() => ({ body: { value: [], '@odata.nextLink': link } }));
      expect(await rejection(list(bench))).toMatchObject({ kind: 'untrustedLink' });
      expect(bench.http.seen).toHaveLength(1);
    },
  );

  it('are not found for an unknown script', async () => {
    const bench = createBench(() => ({ status: 404, body: errorBody() }));
    expect(await rejection(list(bench))).toMatchObject({ kind: 'notFound', status: 404 });
  });

  it('name the role to grant when they are forbidden', async () => {
    const error = await rejection(list(createBench(() => ({ status: 403, body: errorBody() }))));
    expect(error).toMatchObject({
      kind: 'forbidden',
      message: expect.stringContaining('DeviceManagementScripts.Read.All'),
    });
  });

  it('are read by id on beta: found, gone, or unreadable where malformed', async () => {
    const bench = createBench((seen) =>
      answer(seen, ({ url }) => {
        if (url.includes('s1%3Agone')) return { status: 404, body: errorBody() };
        return { status: 200, body: url.includes('s1%3Abad') ? { id: 's1:bad', managedDevice: {} } : row(1, 'fail') };
      }),
    );
    const ids = [`s1:${id(1)}`, 's1:gone', 's1:bad'];
    const readings = await bench.run(() => bench.tenant.runStates(kind, 's1', ids, bench.options()));
    expect(ids.map((one) => readings.get(one))).toMatchObject([
      { kind: 'found', value: { runStateId: `s1:${id(1)}`, isFailing: true, device: { managedDeviceId: id(1) } } },
      { kind: 'gone' },
      { kind: 'unreadable', status: 200 },
    ]);
    expect(bench.http.seen[0]?.path).toBe('/beta/$batch');
    expect(pathsOf(bench)[0]).toBe(`${path}/s1%3A${id(1)}?${EXPAND}`);
    expect(bench.pacer.acquired).toEqual([{ any: 3 }]);
  });

  it.each([
    ['script id', '../s1', 'r1'],
    ['run state id', 's1', 'r1/managedDevice'],
  ])('are not asked for by a %s that would change the path', async (_name, scriptId, runStateId) => {
    const bench = createBench(() => page([]));
    const reading = bench.tenant.runStates(kind, scriptId, [runStateId], bench.options());
    expect(await rejection(reading)).toBeInstanceOf(TypeError);
    if (scriptId !== 's1') {
      expect(() => bench.tenant.runStatePages(kind, scriptId, undefined, bench.options())).toThrow(TypeError);
    }
    expect(bench.http.seen).toHaveLength(0);
  });
});
