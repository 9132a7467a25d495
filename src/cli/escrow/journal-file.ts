/** An escrow journal in a file of JSON lines: read when a run starts, appended to and flushed while it goes on. Layer: cli. */
import { type FileHandle, open } from 'node:fs/promises';
import type { EscrowJournal } from '../../app/escrow/escrow-rows.ts';
import {
  decodeEntry,
  decodeHeader,
  encodeEntry,
  encodeHeader,
  type JournalHeader,
} from '../../app/escrow/journal-entry.ts';
import { createJournalState, type JournalState } from '../../app/escrow/journal-state.ts';
import { UsageError } from '../usage-error.ts';

/** Only its owner reads it: it names users and devices. */
const PRIVATE = 0o600;

/** What `header` must be in an existing journal; without `tenantId`, of any tenant. */
export type JournalOwner = Pick<JournalHeader, 'operation'> & Partial<Pick<JournalHeader, 'tenantId'>>;

export interface JournalFile extends EscrowJournal {
  /** After the last entry. */
  close(): Promise<void>;
}

interface ReadJournal {
  readonly header?: JournalHeader;
  readonly state: JournalState;
  /** Behind the last whole line. */
  readonly bytes: number;
}

/** What the journal says, without touching it; `undefined` when there is none. @throws {UsageError} as `openJournal`. */
export async function readJournal(file: string, owner: JournalOwner): Promise<JournalState | undefined> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unusable(file, error);
  });
  if (handle === undefined) return undefined;
  try {
    return (await readAll(handle, file, owner)).state;
  } finally {
    await handle.close();
  }
}

/**
 * Opens the journal, making it when there is none. A last line that a crash cut short is dropped: entries count once they are whole.
 * @throws {UsageError} for a file that is no journal, or one of another tenant or operation.
 */
export async function openJournal(
  file: string,
  owner: Required<JournalOwner>,
  startedAtMs: number,
): Promise<JournalFile> {
  const handle = await open(file, 'a+', PRIVATE).catch((error: unknown) => {
    throw unusable(file, error);
  });
  try {
    const { header, state, bytes } = await readAll(handle, file, owner);
    await handle.truncate(bytes);
    const append = createAppender(handle);
    if (header === undefined) await append(encodeHeader({ ...owner, startedAtMs }));
    return {
      state,
      write: (entry) => append(encodeEntry(entry)),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Appends and flushes; what comes while a flush is under way shares the next one. */
function createAppender(handle: FileHandle): (line: string) => Promise<void> {
  let waiting: string[] = [];
  let next: Promise<void> | undefined;
  let last: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    next = undefined;
    const lines = waiting;
    waiting = [];
    await handle.appendFile(lines.join(''));
    await handle.datasync();
  }

  return (line) => {
    waiting.push(line);
    // A failed flush fails those that share it, and every later one too: the file may end in half a line.
    next ??= last = last.then(flush);
    return next;
  };
}

async function readAll(handle: FileHandle, file: string, owner: JournalOwner): Promise<ReadJournal> {
  const state = createJournalState();
  let header: JournalHeader | undefined;
  let line = 0;
  let bytes = 0;
  for await (const { text, end } of wholeLines(handle)) {
    line += 1;
    bytes = end;
    if (line === 1) {
      header = checkHeader(decodeHeader(text), file, owner);
      continue;
    }
    const entry = decodeEntry(text);
    if (entry === undefined) {
      throw new UsageError(`${file} is damaged at line ${line}: it is not known what was sent. Nothing was sent now.`);
    }
    state.note(entry);
  }
  const { size } = await handle.stat();
  // The header is written first, so without it there is nothing but the beginning of one.
  if (header === undefined && size > 0 && !(await isTornHeader(handle, size))) checkHeader(undefined, file, owner);
  return { ...(header === undefined ? {} : { header }), state, bytes };
}

/** The lines that end in a line break, and where each ends. */
async function* wholeLines(handle: FileHandle): AsyncGenerator<{ readonly text: string; readonly end: number }> {
  const chunk = Buffer.alloc(65_536);
  let left = Buffer.alloc(0);
  let position = 0;
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) return;
    const start = position - left.length;
    position += bytesRead;
    const all = Buffer.concat([left, chunk.subarray(0, bytesRead)]);
    let from = 0;
    for (let at = all.indexOf(10); at >= 0; at = all.indexOf(10, from)) {
      yield { text: all.toString('utf8', from, at), end: start + at + 1 };
      from = at + 1;
    }
    left = Buffer.from(all.subarray(from));
    // No entry of ours: reported as damage, never cut off.
    if (left.length > LONGEST_LINE) yield { text: '', end: position };
  }
}

/** Chosen: our lines have a few hundred characters; a file with longer ones is something else. */
const LONGEST_LINE = 65_536;

async function isTornHeader(handle: FileHandle, size: number): Promise<boolean> {
  const beginning = '{"file":"keyturn escrow journal"';
  const buffer = Buffer.alloc(Math.min(size, 1_024));
  await handle.read(buffer, 0, buffer.length, 0);
  const text = buffer.toString();
  return size <= buffer.length && (text.startsWith(beginning) || beginning.startsWith(text));
}

function checkHeader(header: JournalHeader | undefined, file: string, owner: JournalOwner): JournalHeader {
  if (header === undefined) throw new UsageError(`${file} is not an escrow journal. Give --journal another name.`);
  if (header.operation !== owner.operation) {
    throw new UsageError(
      `${file} is the journal of an \`escrow ${header.operation}\`, not of an \`escrow ${owner.operation}\`. Give --journal another name.`,
    );
  }
  if (owner.tenantId !== undefined && header.tenantId !== owner.tenantId) {
    throw new UsageError(
      `${file} is a journal of tenant ${header.tenantId}, but TENANT_ID is ${owner.tenantId}. Give --journal another name.`,
    );
  }
  return header;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}

function unusable(file: string, error: unknown): UsageError {
  return new UsageError(`${file} cannot be used as a journal (${codeOf(error)}).`);
}
