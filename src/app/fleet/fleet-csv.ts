/** The fleet as a table for spreadsheets, a line per device. No spreadsheet takes a device name for a formula. Layer: app. */
import { writeCell } from '../../domain/evidence/cell.ts';
import { type FleetDevice, fleetDevice } from './fleet-devices.ts';
import type { FleetReading } from './read-fleet.ts';

/** Contract: people script against the names and their order. */
export const FLEET_COLUMNS = [
  'deviceName',
  'managedDeviceId',
  'entraDeviceId',
  'newestKeyId',
  'newestKeyAt',
  'keyAgeDays',
  'keyAge',
  'keyCount',
  'needs',
  'ineligible',
  'lastSyncAt',
  'askedAt',
  'inProgress',
  'lastState',
  'lastRunId',
] as const;

const DAY_MS = 24 * 3_600_000;
/** Devices to a piece. Chosen: some 200 KB at a time. */
const AT_ONCE = 1_000;

/** The file, piece by piece, in constant memory. */
export function* fleetCsv(reading: FleetReading): Generator<string> {
  let text = lineOf(FLEET_COLUMNS);
  for (let device = 0; device < reading.fleet.size; device++) {
    const cells = cellsOf(fleetDevice(reading, device), reading.nowMs);
    text += lineOf(FLEET_COLUMNS.map((name) => cells[name]));
    if ((device + 1) % AT_ONCE !== 0) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

function lineOf(values: readonly string[]): string {
  return `${values.map(writeCell).join(',')}\n`;
}

function cellsOf(device: FleetDevice, nowMs: number): Readonly<Record<(typeof FLEET_COLUMNS)[number], string>> {
  const { newestKeyAtMs } = device;
  return {
    deviceName: device.deviceName,
    managedDeviceId: device.managedDeviceId,
    entraDeviceId: device.entraDeviceId ?? '',
    newestKeyId: device.newestKeyId ?? '',
    newestKeyAt: instant(newestKeyAtMs),
    keyAgeDays: newestKeyAtMs === undefined ? '' : String(Math.max(0, Math.floor((nowMs - newestKeyAtMs) / DAY_MS))),
    keyAge: device.keyAge ?? '',
    keyCount: String(device.keyCount),
    needs: device.needs.join(' '),
    ineligible: device.ineligible ?? '',
    lastSyncAt: device.lastSyncAtMs === 0 ? '' : instant(device.lastSyncAtMs),
    askedAt: instant(device.askedAtMs),
    inProgress: device.isInProgress ? 'yes' : '',
    lastState: device.lastState ?? '',
    lastRunId: device.lastRunId ?? '',
  };
}

function instant(atMs: number | undefined): string {
  return atMs === undefined ? '' : new Date(atMs).toISOString();
}
