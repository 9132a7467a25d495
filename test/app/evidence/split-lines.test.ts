import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitLines } from '../../../src/app/evidence/split-lines.ts';

const MIB = 1024 * 1024;

/** Cut into chunks anywhere. */
async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function linesOf(bytes: Uint8Array, size: number): Promise<readonly Uint8Array[]> {
  const lines: Uint8Array[] = [];
  for await (const line of splitLines(chunksOf(bytes, size))) lines.push(line);
  return lines;
}

describe('bytes as lines', () => {
  it('are the same bytes, one line to each line feed, however they are cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[ab\n]{0,40}$/), fc.integer({ min: 1, max: 41 }), async (text, size) => {
        const lines = (await linesOf(Buffer.from(text), size)).map(String);
        expect(lines.join('')).toBe(text);
        expect(lines).toEqual(text.match(/[^\n]*\n|[^\n]+$/g) ?? []);
      }),
    );
  });

  it.each([
    ['in one chunk', 16 * MIB],
    ['in chunks of the size that files are read in', MIB],
    ['in chunks of another size', 3 * MIB + 7],
  ])('count a line that is far too long once, and cut it: %s', async (_how, size) => {
    const long = Buffer.alloc(9 * MIB, 'x');
    const lines = await linesOf(Buffer.concat([Buffer.from('a\n'), long, Buffer.from('\nb\n'), long]), size);
    expect(lines.map(({ length }) => length)).toEqual([2, 4 * MIB, 2, 4 * MIB]);
    expect(String(lines[2])).toBe('b\n');
  });
});
