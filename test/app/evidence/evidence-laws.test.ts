import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isWhole } from '../../../src/app/evidence/verify-evidence.ts';
import { countRotations } from '../../../src/app/slice-rows.ts';
import { deviceCells } from '../../../src/domain/evidence/device-cells.ts';
import { EVIDENCE_COLUMNS } from '../../../src/domain/evidence/evidence-columns.ts';
import { addCounts, RUN_TRIGGERS } from '../../../src/domain/run.ts';
import { anyRotation } from '../../storage/arbitraries.ts';
import { evidenceOf, linesOf, verified } from '../../support/evidence-files.ts';

/** Whatever a ledger can hold, in order. */
const rotations = fc.array(anyRotation, { maxLength: 12 }).map((rows) => rows.map((row, order) => ({ ...row, order })));
const run = fc.record({ mode: fc.constantFrom('live', 'dryRun'), trigger: fc.constantFrom(...RUN_TRIGGERS) });

it('evidence of any rotations is whole, and its figures are what counting the rotations gives', async () => {
  await fc.assert(
    fc.asyncProperty(rotations, run, async (rows, changes) => {
      const found = await verified(await evidenceOf(rows, changes));
      expect(isWhole(found)).toBe(true);
      const { figures } = found;
      const { counts, skipped } = countRotations(
        rows.map(({ skipReason, ...row }) => ({
          ...row,
          ...(row.state === 'skipped' && skipReason !== undefined ? { skipReason } : {}),
        })),
      );
      const { '': unnamed = 0, ...named } = figures.skipped;
      expect(figures.states).toEqual(counts);
      expect(named).toEqual(skipped);
      expect(Object.values(figures.skipped).reduce((sum, n) => sum + n, 0)).toBe(figures.states.skipped ?? 0);
      expect(unnamed).toBe(
        rows.filter(({ state, skipReason }) => state === 'skipped' && skipReason === undefined).length,
      );
      expect(figures).toMatchObject({
        devices: rows.length,
        canaries: rows.filter(({ canary }) => canary).length,
        accepted: rows.filter(({ acceptedByMs }) => acceptedByMs !== undefined).length,
        confirmed: rows.filter(({ confirmedAtMs }) => confirmedAtMs !== undefined).length,
        unconfirmed: rows.filter(({ unconfirmed }) => unconfirmed).length,
        late: addCounts(...rows.map(({ late }) => (late === undefined ? {} : { [late.state]: 1 }))),
      });
    }),
    { numRuns: 150 },
  );
});

it('any reader of RFC 4180 finds the same cells in every line, and no spreadsheet a formula in any', async () => {
  await fc.assert(
    fc.asyncProperty(rotations, run, async (rows, changes) => {
      const file = await evidenceOf(rows, { ...changes, reason: '=1+1', requestedBy: '@x' });
      const records = parse(file, { columns: true, record_delimiter: '\r\n' }) as Readonly<Record<string, string>>[];
      expect(records).toHaveLength(rows.length + 2);
      expect(linesOf(file)).toHaveLength(rows.length + 3);
      for (const record of records) {
        expect(Object.keys(record)).toEqual([...EVIDENCE_COLUMNS]);
        for (const cell of Object.values(record))
          expect(cell).not.toMatch(/^[\s"]*[=+\-@＝＋－＠]|[\p{Cc}]|;[\s"']*[=+\-@]/u);
      }
    }),
    { numRuns: 100 },
  );
});

it('no cell of a device holds what the rotation has no field for', () => {
  fc.assert(
    fc.property(anyRotation, (row) => {
      const cells = deviceCells({ mode: 'live', trigger: 'schedule' }, row);
      for (const name of Object.keys(cells)) expect(EVIDENCE_COLUMNS).toContain(name);
    }),
  );
});
