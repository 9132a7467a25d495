import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  decodeEntry,
  decodeHeader,
  encodeEntry,
  encodeHeader,
  type IntentEntry,
  type JournalEntry,
  type OutcomeEntry,
  ROW_OUTCOMES,
} from '../../../src/app/escrow/journal-entry.ts';
import { createJournalState } from '../../../src/app/escrow/journal-state.ts';
import { ESCROW_VOLUMES } from '../../../src/domain/escrow.ts';
import { type EntraDeviceId, parseRecoveryKeyId, parseTenantId } from '../../../src/domain/ids.ts';
import type { RecoveryPassword } from '../../../src/domain/recovery-password.ts';

const guid = fc.uuid({ version: 4 });
const common = {
  line: fc.integer({ min: 1, max: 3_000 }),
  entraDeviceId: guid.map((id) => id as EntraDeviceId),
  volumeType: fc.constantFrom(...ESCROW_VOLUMES),
  atMs: fc.integer({ min: 0, max: 4e12 }),
};
const keyId = guid.map(parseRecoveryKeyId);
const intents: fc.Arbitrary<IntentEntry> = fc.record(
  { event: fc.constant('intent' as const), ...common, keyId },
  { requiredKeys: ['event', 'line', 'entraDeviceId', 'volumeType', 'atMs'] },
);
const outcomes: fc.Arbitrary<OutcomeEntry> = fc.record(
  { event: fc.constant('outcome' as const), ...common, outcome: fc.constantFrom(...ROW_OUTCOMES), keyId },
  { requiredKeys: ['event', 'line', 'entraDeviceId', 'volumeType', 'atMs', 'outcome'] },
);
const entries: fc.Arbitrary<JournalEntry> = fc.oneof(intents, outcomes);

describe('a journal line', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const line = encodeEntry(entry);
        expect(line).toMatch(/^[^\n]*\n$/);
        expect(decodeEntry(line)).toEqual(entry);
      }),
    );
  });

  it('of a cut-off write is none', () => {
    fc.assert(
      fc.property(entries, fc.nat(), (entry, at) => {
        const line = encodeEntry(entry).trimEnd();
        expect(decodeEntry(line.slice(0, at % line.length))).toBeUndefined();
      }),
    );
  });

  it('is never anything else, and reading never fails', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(decodeEntry(text)).toBeUndefined();
        expect(decodeHeader(text)).toBeUndefined();
      }),
    );
  });

  it('says whose journal it is, first', () => {
    const header = {
      tenantId: parseTenantId('11111111-2222-4333-8444-555555555555'),
      operation: 'update',
      startedAtMs: Date.UTC(2026, 10, 22),
    } as const;
    expect(decodeHeader(encodeHeader(header))).toEqual(header);
    expect(encodeHeader(header)).toContain('keyturn escrow journal');
    expect(decodeHeader(encodeHeader(header).replace('"version":1', '"version":2'))).toBeUndefined();
  });

  it('has no room for a password', () => {
    expectTypeOf<RecoveryPassword>().not.toExtend<IntentEntry[keyof IntentEntry]>();
    expectTypeOf<RecoveryPassword>().not.toExtend<OutcomeEntry[keyof OutcomeEntry]>();
    expectTypeOf<Extract<keyof IntentEntry | keyof OutcomeEntry, 'password' | 'key'>>().toBeNever();
  });
});

describe('the state of a journal', () => {
  it('holds the last word on every row, as a map of objects would', () => {
    fc.assert(
      fc.property(fc.array(entries, { maxLength: 60 }), (all) => {
        const state = createJournalState();
        const model = new Map<number, { standing: string; entry: JournalEntry }>();
        for (const entry of all) {
          state.note(entry);
          const isInDoubt = entry.event === 'intent' || entry.outcome === 'uncertain';
          const standing = isInDoubt ? 'inDoubt' : entry.outcome === 'escrowed' ? 'escrowed' : 'open';
          model.set(entry.line, { standing, entry });
        }
        for (const [line, { standing, entry }] of model) {
          const { entraDeviceId, volumeType } = entry;
          expect(state.at(line)).toMatchObject({ line, standing, entraDeviceId, volumeType });
          if (entry.keyId !== undefined) expect(state.at(line)?.keyId).toBe(entry.keyId);
        }
        for (const standing of ['inDoubt', 'escrowed', 'open'] as const) {
          const lines = [...model].filter(([, row]) => row.standing === standing).map(([line]) => line);
          expect([...state.rows(standing)].map(({ line }) => line)).toEqual(lines.sort((a, b) => a - b));
        }
        expect(state.at(5_000)).toBeUndefined();
      }),
    );
  });

  it('remembers when the row was last about to be sent, and the id it was given until there is another', () => {
    const state = createJournalState();
    const row = { line: 7, entraDeviceId: '11111111-0000-4000-8000-000000000001' as EntraDeviceId } as const;
    const given = parseRecoveryKeyId('33333333-0000-4000-8000-000000000001');
    const tenants = parseRecoveryKeyId('33333333-0000-4000-8000-000000000002');
    const volumeType = 'fixedDataVolume';
    state.note({ event: 'intent', ...row, volumeType, atMs: 1_000, keyId: given });
    state.note({ event: 'outcome', outcome: 'uncertain', ...row, volumeType, atMs: 2_000 });
    expect(state.at(7)).toEqual({ ...row, volumeType, standing: 'inDoubt', intentAtMs: 1_000, keyId: given });
    state.note({ event: 'intent', ...row, volumeType, atMs: 3_000 });
    expect(state.at(7)).toEqual({ ...row, volumeType, standing: 'inDoubt', intentAtMs: 3_000 });
    state.note({ event: 'outcome', outcome: 'escrowed', ...row, volumeType, atMs: 4_000, keyId: tenants });
    expect(state.at(7)).toMatchObject({ standing: 'escrowed', keyId: tenants });
  });
});
