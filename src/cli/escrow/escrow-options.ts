/** The options of `keyturn escrow add` and `keyturn escrow update`. Layer: cli. */
import { InvalidArgumentError } from 'commander';
import { type EscrowVolume, parseEscrowInstant, parseEscrowVolume } from '../../domain/escrow.ts';
import {
  type EntraDeviceId,
  isGuid,
  parseEntraDeviceId,
  parseRecoveryKeyId,
  type RecoveryKeyId,
} from '../../domain/ids.ts';
import { isPathSegment } from '../../domain/targets.ts';
import type { CommonOptions } from '../context.ts';

export interface EscrowOptions extends CommonOptions {
  readonly user?: string;
  readonly device?: EntraDeviceId;
  readonly volume?: EscrowVolume;
  readonly keyId?: RecoveryKeyId;
  /** Ms since the epoch. */
  readonly createdAt?: number;
  readonly csv?: boolean;
  readonly journal?: string;
  readonly dryRun?: boolean;
}

export function userOption(text: string): string {
  if (isPathSegment(text)) return text;
  throw new InvalidArgumentError(
    "It must be a user's object id or user principal name, without / \\ ? # %. Of a guest, give the object id.",
  );
}

export function deviceOption(text: string): EntraDeviceId {
  const id = parseEntraDeviceId(text);
  if (id === undefined) throw new InvalidArgumentError('It must be an Entra device id, a GUID that is not all zeros.');
  return id;
}

export function volumeOption(text: string): EscrowVolume {
  const volume = parseEscrowVolume(text);
  if (volume === undefined) {
    throw new InvalidArgumentError('It must be operatingSystemVolume, fixedDataVolume or removableDataVolume.');
  }
  return volume;
}

export function keyIdOption(text: string): RecoveryKeyId {
  if (!isGuid(text)) throw new InvalidArgumentError('It must be a recovery key id, a GUID.');
  return parseRecoveryKeyId(text);
}

export function instantOption(text: string): number {
  const atMs = parseEscrowInstant(text);
  if (atMs === undefined) {
    throw new InvalidArgumentError('It must be an ISO 8601 date and time with its zone, such as 2026-11-22T20:15:00Z.');
  }
  return atMs;
}
