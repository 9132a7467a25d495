/** Parsers of option values; each says what it wants and what it got. Pure. Layer: cli. */
import { InvalidArgumentError } from 'commander';
import {
  type EntraDeviceId,
  isGuid,
  type ManagedDeviceId,
  parseEntraDeviceId,
  parseRunId,
  type RunId,
} from '../domain/ids.ts';

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** Source: the simulator's `createFleet`. */
export const MOST_DEVICES = 2 ** 24;
/** Above this the documented window of 20 s is shorter than the millisecond that settings count in. */
export const MOST_SPEED = 20_000;

/** A number above 0, up to `most`. */
export function positiveNumber(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value > 0 && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number above 0, up to ${most}.`);
  };
}

/** Collects managed device ids; the same one twice counts once. */
export function managedDeviceIds(text: string, before: readonly ManagedDeviceId[] = []): readonly ManagedDeviceId[] {
  if (!isGuid(text)) throw new InvalidArgumentError('It must be an Intune managed device id, a GUID.');
  const id = text.toLowerCase() as ManagedDeviceId;
  return before.includes(id) ? before : [...before, id];
}

/** An id of either kind: the ledger knows which. */
export function deviceId(text: string): EntraDeviceId | ManagedDeviceId {
  const id = parseEntraDeviceId(text);
  if (id === undefined) throw new InvalidArgumentError('It must be an Entra device id or a managed device id, a GUID.');
  return id;
}

/** Of a request: its GUID, in any letter case. */
export function runId(text: string): RunId {
  try {
    return parseRunId(isGuid(text) ? text.toLowerCase() : text);
  } catch (error) {
    if (error instanceof TypeError) throw new InvalidArgumentError('It must be 1 to 64 letters, digits and hyphens.');
    throw error;
  }
}
