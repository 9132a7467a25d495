/** GUIDs as 16 bytes, so that a million devices fit in memory. Layer: app. */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** Where in `8-4-4-4-12` each byte starts. */
const POSITIONS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;

/** Size of a GUID in bytes. */
export const GUID_BYTES = 16;

function nibble(code: number): number {
  return code <= 57 ? code - 48 : code - 87;
}

/** Writes a lower-case canonical GUID at `offset`; `undefined` becomes sixteen zeros. */
export function writeGuid(bytes: Uint8Array, offset: number, guid: string | undefined): void {
  if (guid === undefined) {
    bytes.fill(0, offset, offset + GUID_BYTES);
    return;
  }
  for (let i = 0; i < GUID_BYTES; i++) {
    const at = POSITIONS[i] as number;
    bytes[offset + i] = (nibble(guid.charCodeAt(at)) << 4) | nibble(guid.charCodeAt(at + 1));
  }
}

/** Reads a GUID; sixteen zeros are `undefined`. */
export function readGuid(bytes: Uint8Array, offset: number): string | undefined {
  let text = '';
  let any = 0;
  for (let i = 0; i < GUID_BYTES; i++) {
    const byte = bytes[offset + i] as number;
    any |= byte;
    text += HEX[byte];
    if (i === 3 || i === 5 || i === 7 || i === 9) text += '-';
  }
  return any === 0 ? undefined : text;
}

/** True when the 16 bytes at both places are the same. */
export function sameGuid(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): boolean {
  for (let i = 0; i < GUID_BYTES; i++) if (a[aOffset + i] !== b[bOffset + i]) return false;
  return true;
}

/** A 32-bit hash. GUIDs are random nearly throughout; folding all four words keeps the made-up ones apart too. */
export function hashGuid(bytes: Uint8Array, offset: number): number {
  let hash = 0;
  for (let i = 0; i < GUID_BYTES; i += 4) {
    const word =
      (bytes[offset + i] as number) |
      ((bytes[offset + i + 1] as number) << 8) |
      ((bytes[offset + i + 2] as number) << 16) |
      ((bytes[offset + i + 3] as number) << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
