import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bounds, Deps } from '../../../src/app/deps.ts';
import { decodeChunk, encodeChunk } from '../../../src/app/plan/chunk-file.ts';
import { type ListingProgress, type ListingSource, readListing } from '../../../src/app/plan/read-listing.ts';
import { GraphError, type GraphErrorKind } from '../../../src/domain/graph-error.ts';
import type { WorkFiles } from '../../../src/domain/stored-files.ts';
import type { Page } from '../../../src/domain/tenant.ts';
import { createLife, mortal, ProcessDied } from '../../support/mortal.ts';
import { createPlanning, START_MS } from './planning.ts';

const PREFIX = 'tenant/run/devices/';
const PAGE = 1_000;
/** Ten pages; the reader promises to save at least this often. */
const CHUNK = 10_000;

interface Listing {
  readonly deps: Deps;
  readonly files: WorkFiles;
  readonly read: string[];
  /** What fails, once: the page that begins there. */
  readonly faults: Map<number, Error>;
  pageTakesMs: number;
  invoke(changes?: Partial<Deps>, budgetMs?: number): Promise<ListingProgress>;
  stored(): Promise<readonly number[]>;
}

/** Numbers from 0, a page at a time, packed as four bytes each. */
function createListing(size: number): Listing {
  const world = createPlanning();
  const deps = world.deps();
  const faults = new Map<number, Error>();
  const read: string[] = [];
  const listing: Listing = {
    deps,
    files: world.workFiles,
    read,
    faults,
    pageTakesMs: 0,
    invoke: (changes = {}, budgetMs = 480_000) =>
      world.clock.run(() => {
        const bounds: Bounds = { deadlineAtMs: world.clock.nowMs() + budgetMs, signal: new AbortController().signal };
        return readListing({ ...deps, ...changes }, bounds, source);
      }),
    async stored() {
      const numbers: number[] = [];
      for (const name of await world.workFiles.list(PREFIX)) {
        const { header, body } = decodeChunk((await world.workFiles.get(name)) ?? new Uint8Array());
        expect(body.length).toBe(header.count * 4);
        const packedNumbers = Buffer.from(body);
        for (let at = 0; at < body.length; at += 4) numbers.push(packedNumbers.readUInt32LE(at));
      }
      return numbers;
    },
  };
  const source: ListingSource<number> = {
    prefix: PREFIX,
    async *pages(from): AsyncGenerator<Page<number>> {
      for (let at = Number(from ?? 0); ; at += PAGE) {
        await world.clock.sleep(listing.pageTakesMs);
        const fault = faults.get(at);
        faults.delete(at);
        if (fault !== undefined) throw fault;
        read.push(String(at));
        const items = Array.from({ length: Math.max(0, Math.min(PAGE, size - at)) }, (_, i) => at + i);
        const isLast = at + PAGE >= size;
        yield isLast ? { items } : { items, next: String(at + PAGE) };
        if (isLast) return;
      }
    },
    encode(items) {
      const bytes = Buffer.alloc(items.length * 4);
      for (const [i, item] of items.entries()) bytes.writeUInt32LE(item, i * 4);
      return bytes;
    },
  };
  return listing;
}

const upTo = (size: number) => Array.from({ length: size }, (_, i) => i);

/** Every record once, in order. */
async function expectWhole(listing: Listing, size: number): Promise<void> {
  const stored = await listing.stored();
  expect(stored).toHaveLength(size);
  expect(stored.findIndex((n, i) => n !== i)).toBe(-1);
}

const fault = (kind: GraphErrorKind) => new GraphError(kind, `Graph says ${kind}`);

describe('readListing', () => {
  it.each([0, 1, 999, 1_000, 1_001, 10_000, 10_001, 25_500])(
    'stores a listing of %i records whole, each page read once',
    async (size) => {
      const listing = createListing(size);
      expect(await listing.invoke()).toEqual({ kind: 'complete', startedAtMs: START_MS });
      await expectWhole(listing, size);
      expect(new Set(listing.read).size).toBe(listing.read.length);
    },
  );

  it('is complete when it is asked again, without reading anything', async () => {
    const listing = createListing(12_000);
    const first = await listing.invoke();
    const pages = listing.read.length;
    expect(await listing.invoke()).toEqual(first);
    expect(listing.read).toHaveLength(pages);
  });

  it('moves on by at least a page in an invocation that has no time left, and reads none twice', async () => {
    const listing = createListing(5_000);
    listing.pageTakesMs = 60_000;
    let invocations = 1;
    while ((await listing.invoke({}, 1)).kind === 'over') invocations += 1;
    expect(invocations).toBe(5);
    expect(listing.read).toEqual(['0', '1000', '2000', '3000', '4000']);
    await expectWhole(listing, 5_000);
  });

  it('says when the listing began, not when it was resumed', async () => {
    const listing = createListing(3_000);
    listing.pageTakesMs = 60_000;
    expect(await listing.invoke({}, 1)).toEqual({ kind: 'over' });
    expect(await listing.invoke()).toEqual({ kind: 'complete', startedAtMs: START_MS });
  });

  it('stops when the host stops, and goes on from there', async () => {
    const listing = createListing(3_000);
    const stop = new AbortController();
    stop.abort();
    const deps = { ...listing.deps };
    const bounds = { deadlineAtMs: START_MS + 480_000, signal: stop.signal };
    const source: ListingSource<number> = {
      prefix: PREFIX,
      async *pages(from) {
        yield { items: [Number(from ?? 0)], next: '1' };
        throw new Error('nobody should ask for a second page');
      },
      encode: () => Buffer.alloc(4),
    };
    expect(await readListing(deps, bounds, source)).toEqual({ kind: 'over' });
    expect(await listing.files.list(PREFIX)).toHaveLength(1);
  });

  it.each<GraphErrorKind>(['unavailable', 'throttled', 'malformed', 'badRequest'])(
    'keeps what was read before a page is %s, and goes on with that page',
    async (kind) => {
      const listing = createListing(8_000);
      listing.faults.set(5_000, fault(kind));
      await expect(listing.invoke()).rejects.toThrow(kind);
      expect((await listing.invoke()).kind).toBe('complete');
      expect(listing.read).toEqual(['0', '1000', '2000', '3000', '4000', '5000', '6000', '7000']);
      await expectWhole(listing, 8_000);
    },
  );

  it('loses nothing, doubles nothing and reads at most the current chunk again, wherever the process dies', async () => {
    const size = 24_000;
    const pages = size / PAGE;
    const undisturbed = createLife();
    const whole = createListing(size);
    await whole.invoke({ workFiles: mortal(whole.files, undisturbed, 'workFiles') });

    for (let dieAt = 1; dieAt <= undisturbed.steps; dieAt++) {
      const listing = createListing(size);
      const life = createLife(dieAt);
      await expect(listing.invoke({ workFiles: mortal(listing.files, life, 'workFiles') })).rejects.toThrow(
        ProcessDied,
      );
      expect((await listing.invoke()).kind).toBe('complete');
      await expectWhole(listing, size);
      expect(listing.read.length).toBeLessThanOrEqual(pages + CHUNK / PAGE);
    }
  });

  it('loses nothing and doubles nothing over any history of ends and faults', async () => {
    const step = fc.record({
      failAtPage: fc.option(fc.nat({ max: 24 })),
      budgetPages: fc.integer({ min: 1, max: 24 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (history) => {
        const listing = createListing(24_000);
        listing.pageTakesMs = 1_000;
        for (const { failAtPage, budgetPages } of history) {
          listing.faults.clear();
          if (failAtPage !== null) listing.faults.set(failAtPage * PAGE, fault('unavailable'));
          await listing
            .invoke({}, budgetPages * 1_000)
            .catch((error: unknown) => expect(error).toBeInstanceOf(GraphError));
        }
        listing.faults.clear();
        while ((await listing.invoke()).kind === 'over');
        await expectWhole(listing, 24_000);
        expect(listing.read).toEqual(upTo(24).map((page) => String(page * PAGE)));
      }),
      { numRuns: 40 },
    );
  });
});

describe('readListing with a saved place that Graph no longer takes', () => {
  it.each<GraphErrorKind>(['badRequest', 'notFound', 'untrustedLink'])('starts over: %s', async (kind) => {
    const listing = createListing(5_000);
    listing.pageTakesMs = 60_000;
    expect(await listing.invoke({}, 130_000)).toEqual({ kind: 'over' });
    expect(listing.read).toEqual(['0', '1000', '2000']);
    listing.faults.set(3_000, fault(kind));
    const progress = await listing.invoke();
    // When it began is when it started over: the first three pages are not older than that.
    expect(progress).toEqual({ kind: 'complete', startedAtMs: START_MS + 4 * 60_000 });
    expect(listing.read.slice(3)).toEqual(['0', '1000', '2000', '3000', '4000']);
    await expectWhole(listing, 5_000);
  });

  it.each(['unavailable', 'throttled', 'unauthorized', 'forbidden'] as const)(
    'does not start over for a fault that passes: %s',
    async (kind) => {
      const listing = createListing(3_000);
      listing.pageTakesMs = 60_000;
      await listing.invoke({}, 1);
      listing.faults.set(1_000, fault(kind));
      await expect(listing.invoke()).rejects.toThrow(kind);
      expect(listing.read).toEqual(['0']);
    },
  );

  it('starts over when the process died while it deleted the chunks to do so', async () => {
    const listing = createListing(25_000);
    await listing.invoke();
    const names = await listing.files.list(PREFIX);
    expect(names.length).toBeGreaterThan(2);
    // Blobs are deleted side by side: any of them may be the one that is left.
    for (const left of [names.slice(1), names.slice(-1), [names[0] ?? '', names.at(-1) ?? '']]) {
      const partly = createListing(25_000);
      for (const name of left) await partly.files.put(name, (await listing.files.get(name)) ?? new Uint8Array());
      expect((await partly.invoke()).kind).toBe('complete');
      await expectWhole(partly, 25_000);
    }
  });
});

describe('readListing by two owners', () => {
  it('never replaces what the other one has saved and gone on from', async () => {
    const listing = createListing(4_000);
    listing.pageTakesMs = 60_000;
    await listing.invoke({}, 1);
    // The slow owner reads one page; before it saves, the other owner saves two and then the last one.
    const saveAsOther = async () => {
      const header = { count: 2_000, startedAtMs: START_MS, next: '3000' };
      await listing.files.create(`${PREFIX}000001`, encodeChunk(header, [packed(1_000, 3_000)]));
      const last = { count: 1_000, startedAtMs: START_MS };
      await listing.files.create(`${PREFIX}000002`, encodeChunk(last, [packed(3_000, 4_000)]));
    };
    const slow: WorkFiles = {
      ...listing.files,
      create: (name, bytes) => saveAsOther().then(() => listing.files.create(name, bytes)),
      put: (name, bytes) => saveAsOther().then(() => listing.files.put(name, bytes)),
    };
    expect(await listing.invoke({ workFiles: slow }, 1)).toEqual({ kind: 'over' });
    expect((await listing.invoke()).kind).toBe('complete');
    await expectWhole(listing, 4_000);
  });
});

function packed(from: number, to: number): Uint8Array {
  const bytes = Buffer.alloc((to - from) * 4);
  for (let n = from; n < to; n++) bytes.writeUInt32LE(n, (n - from) * 4);
  return bytes;
}
