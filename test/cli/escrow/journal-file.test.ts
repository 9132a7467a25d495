import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../src/app/escrow/journal-entry.ts';
import { openJournal, readJournal } from '../../../src/cli/escrow/journal-file.ts';
import { UsageError } from '../../../src/cli/usage-error.ts';
import { type EntraDeviceId, parseTenantId } from '../../../src/domain/ids.ts';
import { rejection } from '../../graph/fakes.ts';

const TENANT = parseTenantId('11111111-2222-4333-8444-555555555555');
const OWNER = { tenantId: TENANT, operation: 'add' } as const;
let folder = '';
let file = '';

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyturn-journal-'));
  file = path.join(folder, 'escrow.journal');
});
afterEach(() => rm(folder, { recursive: true }));

function entry(line: number, event: 'intent' | 'outcome' = 'intent'): JournalEntry {
  const row = {
    line,
    entraDeviceId: '11111111-0000-4000-8000-000000000001' as EntraDeviceId,
    volumeType: 'fixedDataVolume',
    atMs: 1_000,
  } as const;
  return event === 'intent' ? { event, ...row } : { event, outcome: 'escrowed', ...row };
}

async function write(...entries: readonly JournalEntry[]): Promise<void> {
  const journal = await openJournal(file, OWNER, 0);
  await Promise.all(entries.map((one) => journal.write(one)));
  await journal.close();
}

describe('a journal file', () => {
  it('is made private, and holds every entry in order once its write resolves', async () => {
    const journal = await openJournal(file, OWNER, 0);
    const many = Array.from({ length: 500 }, (_, i) => entry(i + 2));
    await Promise.all(many.map((one) => journal.write(one)));
    const lines = (await readFile(file, 'utf8')).split('\n');
    expect(lines).toHaveLength(502);
    expect(lines.slice(1, -1).map((line) => (JSON.parse(line) as JournalEntry).line)).toEqual(
      many.map(({ line }) => line),
    );
    await journal.close();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('is read and appended to by the next run', async () => {
    await write(entry(2), entry(2, 'outcome'), entry(3));
    const journal = await openJournal(file, OWNER, 5_000);
    expect(journal.state.at(2)?.standing).toBe('escrowed');
    expect(journal.state.at(3)?.standing).toBe('inDoubt');
    await journal.write(entry(3, 'outcome'));
    await journal.close();
    expect((await readFile(file, 'utf8')).match(/keyturn escrow journal/g)).toHaveLength(1);
    expect((await readJournal(file, OWNER))?.at(3)?.standing).toBe('escrowed');
  });

  it('loses a last line that a crash cut short, wherever it was cut, and nothing else', async () => {
    await write(entry(2), entry(3));
    const whole = await readFile(file);
    const lastStart = whole.subarray(0, -1).lastIndexOf(10) + 1;
    for (const end of [lastStart, lastStart + 1, lastStart + 30, whole.length - 1]) {
      await writeFile(file, whole.subarray(0, end));
      expect((await readJournal(file, OWNER))?.at(3)).toBeUndefined();
      await write(entry(4));
      const state = await readJournal(file, OWNER);
      expect([2, 3, 4].map((line) => state?.at(line)?.standing)).toEqual(['inDoubt', undefined, 'inDoubt']);
    }
  });

  it('starts anew when not even its first line was written to the end', async () => {
    await write();
    const { size } = await stat(file);
    for (const bytes of [0, 1, 20, size - 1]) {
      await truncate(file, bytes);
      expect((await readJournal(file, OWNER))?.at(2)).toBeUndefined();
      await write(entry(2));
      expect((await readJournal(file, OWNER))?.at(2)?.standing).toBe('inDoubt');
    }
  });

  it('is read piece by piece, whatever its size', async () => {
    await write(...Array.from({ length: 2_000 }, (_, i) => entry(i + 2)));
    expect((await stat(file)).size).toBeGreaterThan(3 * 65_536);
    const state = await readJournal(file, OWNER);
    expect([...(state?.rows('inDoubt') ?? [])]).toHaveLength(2_000);
  });

  it('is not there before a first run, and a dry run does not make it', async () => {
    expect(await readJournal(file, { operation: 'add' })).toBeUndefined();
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each([
    ['a CSV', 'userId,deviceId\nada,482515-135795\n', 'is not an escrow journal'],
    ['a CSV of one line', 'userId,deviceId', 'is not an escrow journal'],
    ['something long', 'x'.repeat(200_000), 'is not an escrow journal'],
    ['other JSON', '{"file":"something"}\n', 'is not an escrow journal'],
  ])('is never made of %s, which stays as it is', async (_what, text, message) => {
    await writeFile(file, text);
    const error = await rejection(openJournal(file, OWNER, 0));
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain('482515');
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('of another tenant or operation is refused', async () => {
    await write(entry(2));
    const tenantId = parseTenantId('99999999-2222-4333-8444-555555555555');
    expect(String(await rejection(openJournal(file, { ...OWNER, tenantId }, 0)))).toMatch(
      /journal of tenant 11111111.* but TENANT_ID is 99999999/,
    );
    expect(String(await rejection(readJournal(file, { operation: 'update' })))).toContain(
      'the journal of an `escrow add`, not of an `escrow update`',
    );
  });

  it.each([
    ['a line that is none', 'what\n'],
    ['half a line in the middle', '{"event":"int\n'],
    ['a line without end', 'x'.repeat(200_000)],
  ])('that is damaged by %s is refused and left alone', async (_what, text) => {
    await write(entry(2));
    await appendFile(file, text);
    if (text.endsWith('\n')) await appendFile(file, '{"event":"intent"}\n');
    const { size } = await stat(file);
    const error = await rejection(openJournal(file, OWNER, 0));
    expect(String(error)).toContain('is damaged at line 3');
    expect((await stat(file)).size).toBe(size);
  });

  it('that cannot be a file is refused', async () => {
    expect(await rejection(openJournal(folder, OWNER, 0))).toBeInstanceOf(UsageError);
    expect(await rejection(readJournal(folder, OWNER))).toBeInstanceOf(Error);
    expect(String(await rejection(openJournal(path.join(folder, 'no', 'x'), OWNER, 0)))).toContain('ENOENT');
  });
});
