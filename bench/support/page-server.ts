/** Two listings over loopback HTTP, in a process of their own so that making them costs the measured one nothing: devices, and three keys for each. Layer: bench. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createFleet, type Fleet } from '../../src/simulator/devices/fleet.ts';
import { deviceWriter } from '../../src/simulator/wire/managed-device-wire.ts';
import { parseQuery } from '../../src/simulator/wire/odata-query.ts';
import { collectionBody, cursorOf, nextLinkOf, skipTokenOf } from '../../src/simulator/wire/paging.ts';
import { keyWriter } from '../../src/simulator/wire/recovery-key-wire.ts';

/** Source: observed default page of managedDevices (2026), as in the simulated tenant. */
const PAGE = 1_000;
/** Recovery keys of each device. */
export const KEYS_EACH = 3;
const SEED = 11;
const DAY_MS = 86_400_000;

/** A page server as a child process. */
export interface PageServer {
  /** Graph root: `http://127.0.0.1:port`. */
  readonly url: string;
  stop(): void;
}

/** Serves a fleet of every kind of device, in the simulated tenant's wire format. It ends with this process. */
export async function startPageServer(devices: number): Promise<PageServer> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), [String(devices)], { execArgv: [] });
  const [url] = (await once(child, 'message')) as [string];
  return { url, stop: () => child.kill() };
}

function pageOf(fleet: Fleet, url: URL): string {
  const query = parseQuery(url.searchParams, ['$select', '$filter', '$skiptoken']);
  if ('problem' in query) throw new Error(query.problem);
  const token = url.searchParams.get('$skiptoken');
  const from = token === null ? 0 : (cursorOf(SEED, token) ?? Number.NaN);
  const isDevices = url.pathname.endsWith('/managedDevices');
  const size = isDevices ? fleet.size : fleet.size * KEYS_EACH;
  const to = Math.min(size, from + PAGE);
  const items = isDevices ? deviceItems(fleet, query.select, from, to) : keyItems(fleet, query.select, from, to);
  const next = to < size ? nextLinkOf(url, skipTokenOf(SEED, to, 0)) : undefined;
  return collectionBody(`${url.origin}/v1.0/$metadata#page`, items, next);
}

function deviceItems(fleet: Fleet, select: readonly string[] | undefined, from: number, to: number): string[] {
  const write = deviceWriter('v1.0', select);
  if (typeof write !== 'function') throw new Error(`no property ${write.unknown}`);
  const items: string[] = [];
  for (let index = from; index < to; index++) {
    const profile = fleet.profile(index);
    items.push(write({ profile, lastSyncAtMs: profile.lastSyncAtMs, actionResults: '[]', plantSecrets: false }));
  }
  return items;
}

function keyItems(fleet: Fleet, select: readonly string[] | undefined, from: number, to: number): string[] {
  const write = keyWriter(select, { volumeTypes: 'varied', plantSecrets: false });
  if (typeof write !== 'function') throw new Error(`no property ${write.unknown}`);
  const items: string[] = [];
  for (let cursor = from; cursor < to; cursor++) {
    const profile = fleet.profile(Math.floor(cursor / KEYS_EACH));
    const ordinal = cursor % KEYS_EACH;
    const keyId = fleet.identity.keyId(profile.index, ordinal);
    const createdAtMs = Math.floor(profile.newestKeyAtMs - (KEYS_EACH - 1 - ordinal) * 30 * DAY_MS);
    items.push(write({ ordinal, keyId, createdAtMs, volume: 'operatingSystemVolume' }, profile.entraDeviceId));
  }
  return items;
}

function serve(devices: number): void {
  const fleet = createFleet({ seed: SEED, devices, fleet: 'mixed', startMs: Date.now() });
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
    response.setHeader('content-type', 'application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8');
    response.end(pageOf(fleet, url));
  });
  server.keepAliveTimeout = 120_000;
  server.listen(0, '127.0.0.1', () => process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  process.on('disconnect', () => process.exit());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve(Number(process.argv[2]));
