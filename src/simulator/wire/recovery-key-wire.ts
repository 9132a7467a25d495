/** Recovery-key metadata as JSON; `volumeType` in the three spellings Graph has been seen to use. Layer: simulator. */
import { CANARY_PLANTED_IN_DATA, CANARY_RECOVERY_PASSWORD } from '../canary-secrets.ts';
import type { EscrowedKey, KeyVolume } from '../devices/escrowed-key.ts';

/** Source: v1.0 metadata, enum `volumeType`; the number and the number as text are observed (2026). */
const SPELLINGS: Readonly<Record<KeyVolume, readonly string[]>> = {
  operatingSystemVolume: ['"operatingSystemVolume"', '"1"', '1'],
  fixedDataVolume: ['"fixedDataVolume"', '"2"', '2'],
  removableDataVolume: ['"removableDataVolume"', '"3"', '3'],
};

const PROPERTIES = ['id', 'createdDateTime', 'volumeType', 'deviceId', 'key'] as const;
type KeyProperty = (typeof PROPERTIES)[number];

export type KeyWriter = (key: EscrowedKey, entraDeviceId: string) => string;

export interface KeyWriting {
  /** `symbolic`: names only, as the metadata says. `varied`: all three spellings. */
  readonly volumeTypes: 'symbolic' | 'varied';
  readonly plantSecrets: boolean;
}

function isKeyProperty(name: string): name is KeyProperty {
  return (PROPERTIES as readonly string[]).includes(name);
}

/** A writer for the selected properties: all but `key` by default; or the name of one that does not exist. */
export function keyWriter(
  select: readonly string[] | undefined,
  writing: KeyWriting,
): KeyWriter | { readonly unknown: string } {
  const properties = select ?? PROPERTIES.filter((name) => name !== 'key');
  const known: KeyProperty[] = [];
  for (const name of properties) {
    if (!isKeyProperty(name)) return { unknown: name };
    known.push(name);
  }

  function value(name: KeyProperty, key: EscrowedKey, entraDeviceId: string): string {
    switch (name) {
      case 'id':
        return `"${key.keyId}"`;
      case 'createdDateTime':
        return `"${new Date(key.createdAtMs).toISOString()}"`;
      case 'deviceId':
        return `"${entraDeviceId}"`;
      case 'volumeType': {
        const spellings = SPELLINGS[key.volume];
        return spellings[writing.volumeTypes === 'symbolic' ? 0 : key.keyId.charCodeAt(0) % 3] as string;
      }
      case 'key':
        return `"${CANARY_RECOVERY_PASSWORD}"`;
    }
  }

  return (key, entraDeviceId) => {
    let json = '';
    for (const name of known) json += `${json === '' ? '{' : ','}"${name}":${value(name, key, entraDeviceId)}`;
    return writing.plantSecrets && !known.includes('key') ? `${json},"key":"${CANARY_PLANTED_IN_DATA}"}` : `${json}}`;
  };
}

/** True when key material is asked for. */
export function asksForKeyMaterial(select: readonly string[] | undefined): boolean {
  return select?.some((name) => name.toLowerCase() === 'key') === true;
}
