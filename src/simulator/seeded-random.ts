/** Seeded randomness: a stream for what happens, a hash for what simply is. Same seed, same tenant. Layer: simulator. */
import type { Random } from '../domain/ports.ts';

/** Spreads every input bit over the whole word (the finaliser of MurmurHash3). */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A 32-bit number that depends on all three and on nothing else. */
export function hash32(seed: number, value: number, salt: number): number {
  return mix(mix(mix(seed + 0x9e3779b9) ^ value) ^ Math.imul(salt + 1, 0x27d4eb2f));
}

/** Like {@link hash32}, in [0, 1). */
export function unitHash(seed: number, value: number, salt: number): number {
  return hash32(seed, value, salt) / 2 ** 32;
}

const HEX_DIGITS = new TextEncoder().encode('0123456789abcdef');

/**
 * A version-4 GUID made of four words. The first word and the upper half of the second survive unchanged. Written byte by byte:
 * a listing of a million devices makes millions of them, and one flat string is several times cheaper than a sum of pieces.
 */
export function guidOf(a: number, b: number, c: number, d: number): string {
  const text = Buffer.allocUnsafe(36).fill('-');
  const put = (at: number, digits: number, word: number): void => {
    for (let i = at + digits - 1, rest = word; i >= at; i -= 1, rest >>>= 4) text[i] = HEX_DIGITS[rest & 15] as number;
  };
  put(0, 8, a);
  put(9, 4, b >>> 16);
  put(14, 4, 0x4000 | (b & 0x0fff));
  put(19, 4, 0x8000 | ((c >>> 16) & 0x3fff));
  put(24, 4, c);
  put(28, 8, d);
  return text.toString('latin1');
}

/** A repeatable stream (sfc32). Two generators of one seed give the same numbers in the same order. */
export function createSeededRandom(seed: number): Random {
  let a = mix(seed);
  let b = mix(a ^ 0x9e3779b9);
  let c = mix(b ^ 0x243f6a88);
  let counter = 1;

  function word(): number {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  // The first words still resemble the seed.
  for (let i = 0; i < 12; i += 1) word();
  return {
    next: () => word() / 2 ** 32,
    guid: () => guidOf(word(), word(), word(), word()),
  };
}
