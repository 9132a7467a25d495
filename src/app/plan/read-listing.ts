/** Reads a paged listing into chunks that survive a crash: what is read is never read again. Layer: app. */
import { GraphError } from '../../domain/graph-error.ts';
import type { Page } from '../../domain/tenant.ts';
import { type Bounds, type Deps, isOver } from '../deps.ts';
import { decodeChunk, encodeChunk } from './chunk-file.ts';
import { numbered } from './plan-files.ts';

/** A crash costs at most this many records. Chosen: ten pages of Graph's default 1,000. */
const RECORDS_PER_CHUNK = 10_000;

export interface ListingSource<T> {
  readonly prefix: string;
  readonly pages: (from: string | undefined) => AsyncIterable<Page<T>>;
  readonly encode: (items: readonly T[]) => Uint8Array;
  /** How many of them speak of a device that is no longer there. */
  readonly countGone?: (items: readonly T[]) => number;
}

/** `over`: the invocation ended first; call again to go on. */
export type ListingProgress = { readonly kind: 'complete'; readonly startedAtMs: number } | { readonly kind: 'over' };

/** @throws {GraphError} after saving what was read so far. */
export async function readListing<T>(deps: Deps, bounds: Bounds, source: ListingSource<T>): Promise<ListingProgress> {
  const names = await deps.workFiles.list(source.prefix);
  const last = names.at(-1);
  if (last === undefined)
    return readFrom(deps, bounds, source, { from: undefined, part: 0, startedAtMs: deps.clock.nowMs() });
  const bytes = await deps.workFiles.get(last);
  if (bytes === undefined) throw new Error(`planning chunk ${last} vanished while it was being read`);
  const { header } = decodeChunk(bytes);
  if (!isWhole(source.prefix, names)) return startOver(deps, bounds, source);
  if (header.next === undefined) return { kind: 'complete', startedAtMs: header.startedAtMs };
  try {
    return await readFrom(deps, bounds, source, {
      from: header.next,
      part: names.length,
      startedAtMs: header.startedAtMs,
    });
  } catch (error) {
    if (!isExpiredLink(error)) throw error;
    // Graph does not say how long a nextLink lives. When it no longer takes ours, the listing starts over.
    deps.logger.warn('the saved place in the listing is no longer valid; listing starts over');
    return startOver(deps, bounds, source);
  }
}

/** False when a chunk is missing: an invocation ended while it deleted the chunks to start over. */
function isWhole(prefix: string, names: readonly string[]): boolean {
  return names.every((name, part) => name === `${prefix}${numbered(part)}`);
}

async function startOver<T>(deps: Deps, bounds: Bounds, source: ListingSource<T>): Promise<ListingProgress> {
  await deps.workFiles.deleteAll(source.prefix);
  return readFrom(deps, bounds, source, { from: undefined, part: 0, startedAtMs: deps.clock.nowMs() });
}

function isExpiredLink(error: unknown): boolean {
  return (
    error instanceof GraphError &&
    (error.kind === 'badRequest' || error.kind === 'notFound' || error.kind === 'untrustedLink')
  );
}

async function readFrom<T>(
  deps: Deps,
  bounds: Bounds,
  source: ListingSource<T>,
  start: { readonly from: string | undefined; readonly part: number; readonly startedAtMs: number },
): Promise<ListingProgress> {
  let part = start.part;
  let parts: Uint8Array[] = [];
  let count = 0;
  let gone = 0;
  let next = start.from;

  /** False when another owner of the run has saved that part: then it is theirs that counts, and this reading ends. */
  async function save(): Promise<boolean> {
    const header = {
      count,
      startedAtMs: start.startedAtMs,
      ...(next === undefined ? {} : { next }),
      ...(gone === 0 ? {} : { gone }),
    };
    const chunk = encodeChunk(header, parts);
    parts = [];
    count = 0;
    gone = 0;
    part += 1;
    return deps.workFiles.create(`${source.prefix}${numbered(part - 1)}`, chunk);
  }

  try {
    for await (const page of source.pages(start.from)) {
      parts.push(source.encode(page.items));
      count += page.items.length;
      gone += source.countGone?.(page.items) ?? 0;
      next = page.next;
      if (next === undefined) {
        return (await save()) ? { kind: 'complete', startedAtMs: start.startedAtMs } : { kind: 'over' };
      }
      if (count >= RECORDS_PER_CHUNK && !(await save())) return { kind: 'over' };
      if (isOver(deps, bounds)) break;
    }
  } catch (error) {
    if (parts.length > 0) await save();
    throw error;
  }
  if (parts.length > 0) await save();
  return { kind: 'over' };
}
