/** What every `Ledger` promises; run on memory and on Azurite. */
import { describe, expect, it } from 'vitest';
import { type DeviceRecord, MOST_IMPORTED_KEYS } from '../../src/domain/device-record.ts';
import type { RecoveryKeyId } from '../../src/domain/ids.ts';
import { type Ledger, MOST_IDS_SOUGHT, type QuarantineEntry, type Versioned } from '../../src/domain/ledger.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import {
  collect,
  newEntraDeviceId,
  newRunId,
  sampleDevice,
  sampleRotation,
  sampleRotations,
  sampleRun,
  sampleSlice,
} from './samples.ts';

/** A value that must be there. */
function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('expected a value');
  return value;
}

/** `fresh` gives an empty ledger. */
export function ledgerContract(fresh: () => Ledger | Promise<Ledger>): void {
  describe('the current run', () => {
    const current = (seed: number) =>
      ({ runId: newRunId(), mode: 'live', trigger: 'schedule', createdAtMs: 1_790_000_000_123, seed }) as const;

    it('is absent at first, and the first writer makes it', async () => {
      const ledger = await fresh();
      expect(await ledger.readCurrentRun()).toBeUndefined();
      const mine = current(0.1);
      expect(await ledger.writeCurrentRun(mine, undefined)).toBe(true);
      expect(await ledger.writeCurrentRun(current(0.2), undefined)).toBe(false);
      expect(present(await ledger.readCurrentRun()).value).toEqual(mine);
    });

    it('is moved on by one of two who read the same version', async () => {
      const ledger = await fresh();
      await ledger.writeCurrentRun(current(1), undefined);
      const { version } = present(await ledger.readCurrentRun());
      const next = current(2);
      expect(await ledger.writeCurrentRun(next, version)).toBe(true);
      expect(await ledger.writeCurrentRun(current(3), version)).toBe(false);
      expect(present(await ledger.readCurrentRun()).value).toEqual(next);
    });
  });

  describe('runs', () => {
    it('come back as they were written, targets, texts and counts among it', async () => {
      const ledger = await fresh();
      const run = sampleRun({
        trigger: 'onDemand',
        targets: [{ entraDeviceId: newEntraDeviceId() }],
        unresolved: ['no device is called "LAPTOP-0"'],
        reason: 'helpdesk "INC-1"\nsecond line 🎉',
        requestedBy: '',
        skipped: { excluded: 3 },
        finalCounts: { proven: 2, skipped: 3 },
        leaseOwner: 'a',
        leaseUntilMs: 1_790_000_000_001,
      });
      expect(await ledger.createRun(run)).toBe(true);
      expect(present(await ledger.readRun(run.runId)).value).toEqual(run);
    });

    it('are not created twice, and an unknown one is absent', async () => {
      const ledger = await fresh();
      const run = sampleRun();
      expect(await ledger.readRun(run.runId)).toBeUndefined();
      await ledger.createRun(run);
      expect(await ledger.createRun({ ...run, seed: 9 })).toBe(false);
      expect(present(await ledger.readRun(run.runId)).value.seed).toBe(run.seed);
    });

    it('are written by the holder of the latest version only, and optional fields can go again', async () => {
      const ledger = await fresh();
      const run = sampleRun();
      await ledger.createRun({ ...run, leaseOwner: 'a' });
      const { version } = present(await ledger.readRun(run.runId));
      const next = present(await ledger.writeRun({ ...run, checkpoint: 1 }, version));
      expect(next).not.toBe(version);
      expect(await ledger.writeRun({ ...run, checkpoint: 7 }, version)).toBeUndefined();
      expect(await ledger.readRun(run.runId)).toEqual({ value: { ...run, checkpoint: 1 }, version: next });
      expect(await ledger.writeRun({ ...run, checkpoint: 2 }, next)).toBeDefined();
    });

    it('that do not exist cannot be overwritten', async () => {
      const ledger = await fresh();
      const run = sampleRun();
      await ledger.createRun(run);
      const { version } = present(await ledger.readRun(run.runId));
      expect(await ledger.writeRun(sampleRun(), version)).toBeUndefined();
    });

    it('are listed newest first, and without their slices; finished ones can be left out', async () => {
      const ledger = await fresh();
      const states = ['planning', 'completed', 'settling', 'aborted', 'rotating'] as const;
      const runs = states.map((state, i) => sampleRun({ state, createdAtMs: 1_790_000_000_000 + i }));
      for (const run of runs) {
        await ledger.createRun(run);
        await ledger.writeSlices(run.runId, [{ slice: sampleSlice(0), version: undefined }]);
        await ledger.writeOutcomes(run.runId, { answers: '', results: '', tripped: false }, undefined);
      }
      await ledger.writeCurrentRun({ ...present(runs[0]) }, undefined);
      const listed = await collect(ledger.listRuns({ unfinished: false }));
      expect(listed).toEqual([...runs].reverse());
      const open = await collect(ledger.listRuns({ unfinished: true }));
      expect(open.map(({ state }) => state)).toEqual(['rotating', 'settling', 'planning']);
    });

    it('can be listed by whether a further version of their evidence is due', async () => {
      const ledger = await fresh();
      const evidence = { version: 1, lines: 4, digest: 'd', lateNotices: 1 };
      const due = sampleRun({ state: 'completed', evidence, lateNotices: 2 });
      // Others have the names that its evidence could have: it had to end without.
      const bare = sampleRun({ state: 'completed', createdAtMs: due.createdAtMs - 1 });
      const runs = [
        due,
        bare,
        sampleRun({ state: 'completed', evidence, lateNotices: 1 }),
        sampleRun({ evidence }),
        sampleRun(),
      ];
      for (const run of runs) await ledger.createRun(run);
      const listDue = () => collect(ledger.listRuns({ unfinished: false, evidenceDue: true }));
      expect(await listDue()).toEqual([due, bare]);
      expect(await collect(ledger.listRuns({ unfinished: true, evidenceDue: true }))).toEqual([]);
      const stored = present(await ledger.readRun(due.runId));
      await ledger.writeRun({ ...due, evidence: { ...evidence, version: 2, lateNotices: 2 } }, stored.version);
      expect(await listDue()).toEqual([bare]);
    });

    it('keep target lists far longer than a row, in order, also when written again by someone who read them', async () => {
      const ledger = await fresh();
      const targets = Array.from({ length: 12_000 }, () => ({ entraDeviceId: newEntraDeviceId() }));
      const run = sampleRun({ trigger: 'onDemand', targets });
      expect(await ledger.createRun(run)).toBe(true);
      const read = present(await ledger.readRun(run.runId));
      expect(read.value).toEqual(run);
      expect(await ledger.writeRun({ ...read.value, checkpoint: 1 }, read.version)).toBeDefined();
      expect(present(await ledger.readRun(run.runId)).value).toEqual({ ...run, checkpoint: 1 });
      expect(await collect(ledger.listRuns({ unfinished: true }))).toEqual([{ ...run, checkpoint: 1 }]);
    });
  });

  describe('slices', () => {
    it('come back as they were written, and are absent before', async () => {
      const ledger = await fresh();
      const runId = newRunId();
      const slice = sampleSlice(120, { canary: true, skipped: { rotationPending: 1 } });
      expect(await ledger.readSlice(runId, slice.sliceId)).toBeUndefined();
      expect(await ledger.writeSlices(runId, [{ slice, version: undefined }])).toBe(true);
      expect(present(await ledger.readSlice(runId, slice.sliceId)).value).toEqual(slice);
    });

    it('are written together or not at all', async () => {
      const ledger = await fresh();
      const runId = newRunId();
      const [first, second, third] = [sampleSlice(0), sampleSlice(100), sampleSlice(200)];
      await ledger.writeSlices(runId, [
        { slice: first, version: undefined },
        { slice: second, version: undefined },
      ]);
      const { version } = present(await ledger.readSlice(runId, first.sliceId));
      const closed = { ...first, state: 'closed' as const };
      const changes = [
        { slice: closed, version },
        { slice: third, version: undefined },
        { slice: second, version: undefined },
      ];
      expect(await ledger.writeSlices(runId, changes)).toBe(false);
      expect(present(await ledger.readSlice(runId, first.sliceId)).value.state).toBe('open');
      expect(await ledger.readSlice(runId, third.sliceId)).toBeUndefined();
      expect(await ledger.writeSlices(runId, changes.slice(0, 2))).toBe(true);
      expect(await ledger.writeSlices(runId, changes.slice(0, 1))).toBe(false);
    });

    it('are listed in order of their ids, by run, and filtered by state', async () => {
      const ledger = await fresh();
      const [runId, other] = [newRunId(), newRunId()];
      const slices = Array.from({ length: 30 }, (_, i) =>
        sampleSlice((29 - i) * 100, { state: i % 3 === 0 ? 'closed' : 'open' }),
      );
      await ledger.writeSlices(
        runId,
        slices.map((slice) => ({ slice, version: undefined })),
      );
      await ledger.writeSlices(other, [{ slice: sampleSlice(7), version: undefined }]);
      await ledger.writeOutcomes(runId, { answers: '', results: '', tripped: false }, undefined);
      const all = (await collect(ledger.listSlices(runId, {}))).map(({ value }) => value);
      expect(all).toEqual([...slices].reverse());
      const closed = await collect(ledger.listSlices(runId, { state: 'closed' }));
      expect(closed).toHaveLength(10);
      const first = await collect(ledger.listSlices(runId, { state: 'closed', limit: 3 }));
      expect(first).toEqual(closed.slice(0, 3));
      expect(await collect(ledger.listSlices(runId, { limit: 31 }))).toHaveLength(30);
      const { value, version } = present(closed[0]);
      expect(await ledger.writeSlices(runId, [{ slice: { ...value, look: 1 }, version }])).toBe(true);
    });

    it('are at most a hundred at a time, and none is no work', async () => {
      const ledger = await fresh();
      const many = Array.from({ length: 101 }, (_, i) => ({ slice: sampleSlice(i), version: undefined }));
      await expect(ledger.writeSlices(newRunId(), many)).rejects.toThrow(RangeError);
      expect(await ledger.writeSlices(newRunId(), [])).toBe(true);
    });
  });

  it('keeps the outcomes of a run, written by the holder of the latest version only', async () => {
    const ledger = await fresh();
    const runId = newRunId();
    expect(await ledger.readOutcomes(runId)).toBeUndefined();
    const outcomes = { answers: '..x', results: '', tripped: false };
    expect(await ledger.writeOutcomes(runId, outcomes, undefined)).toBe(true);
    expect(await ledger.writeOutcomes(runId, outcomes, undefined)).toBe(false);
    const { value, version } = present(await ledger.readOutcomes(runId));
    expect(value).toEqual(outcomes);
    expect(await ledger.writeOutcomes(runId, { ...outcomes, tripped: true }, version)).toBe(true);
    expect(await ledger.writeOutcomes(runId, outcomes, version)).toBe(false);
    expect(present(await ledger.readOutcomes(runId)).value.tripped).toBe(true);
  });

  describe('rotations', () => {
    async function planned(count: number) {
      const ledger = await fresh();
      const runId = newRunId();
      const rotations = sampleRotations(count);
      await ledger.writePlannedRotations(runId, rotations);
      return { ledger, runId, rotations };
    }

    const claimed = (row: Versioned<Rotation>, claimedAtMs: number): Versioned<Rotation> => ({
      value: { ...row.value, state: 'claimed', claimedAtMs },
      version: row.version,
    });

    it('are planned in any number and read by range and by order, ascending', async () => {
      const { ledger, runId, rotations } = await planned(1_250);
      const read = await ledger.readRotations(runId, 95, 205);
      expect(read.map(({ value }) => value)).toEqual(rotations.slice(95, 205));
      expect(await ledger.readRotations(runId, 1_249, 5_000)).toHaveLength(1);
      expect(await ledger.readRotations(runId, 5, 5)).toEqual([]);
      expect(await ledger.readRotations(runId, 0, 99_999_999)).toHaveLength(1_250);
      const scattered = await ledger.readRotationsAt(runId, [1_249, 3, 700, 4, 5_000, 3]);
      expect(scattered.map(({ value }) => value)).toEqual([3, 4, 700, 1_249].map((order) => rotations[order]));
      expect(await ledger.readRotationsAt(runId, [])).toEqual([]);
    });

    it('come in pages of at most a thousand, whole and in order, of that run only', async () => {
      const { ledger, runId, rotations } = await planned(2_050);
      await ledger.writePlannedRotations(newRunId(), sampleRotations(2));
      const pages = await collect(ledger.rotationPages(runId));
      expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(1_000);
      expect(pages.flat()).toEqual(rotations);
      expect(await collect(ledger.rotationPages(newRunId()))).toEqual([]);
      const small = await collect(ledger.rotationPages(runId, 300));
      expect(Math.max(...small.map((page) => page.length))).toBeLessThanOrEqual(300);
      expect(small.flat()).toEqual(rotations);
    });

    it('of a device are found by an id of either kind, in that run only', async () => {
      const { ledger, runId, rotations } = await planned(1_250);
      const signal = new AbortController().signal;
      const [one, two, other] = [3, 700, 1_249].map((order) => present(rotations[order]));
      const second = sampleRotation(1_250, { ...other, order: 1_250, managedDeviceId: present(one).managedDeviceId });
      await ledger.writePlannedRotations(runId, [second]);
      await ledger.writePlannedRotations(newRunId(), [present(one)]);
      const { entraDeviceId: _, ...without } = sampleRotation(1_251, {
        state: 'skipped',
        skipReason: 'noEntraDeviceId',
      });
      await ledger.writePlannedRotations(runId, [without]);
      const ids = [present(present(two).entraDeviceId), present(one).managedDeviceId];
      expect(await ledger.rotationsOf(runId, ids, signal)).toEqual([one, two, second]);
      expect(await ledger.rotationsOf(runId, [without.managedDeviceId], signal)).toEqual([without]);
      expect(await ledger.rotationsOf(runId, [newEntraDeviceId()], signal)).toEqual([]);
      expect(await ledger.rotationsOf(runId, [], signal)).toEqual([]);
      expect(await ledger.rotationsOf(newRunId(), ids, signal)).toEqual([]);
    });

    it('are sought by seven ids at most, and by nobody who stopped', async () => {
      const { ledger, runId, rotations } = await planned(3);
      const signal = new AbortController().signal;
      const ids = (count: number) => [
        ...Array.from({ length: count - 1 }, newEntraDeviceId),
        present(rotations[2]).managedDeviceId,
      ];
      expect(await ledger.rotationsOf(runId, ids(MOST_IDS_SOUGHT), signal)).toEqual([rotations[2]]);
      await expect(ledger.rotationsOf(runId, ids(MOST_IDS_SOUGHT + 1), signal)).rejects.toThrow(RangeError);
      const reason = new Error('stopped');
      await expect(ledger.rotationsOf(runId, ids(1), AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    it('that exist are left as they are by planning again', async () => {
      const { ledger, runId, rotations } = await planned(150);
      const rows = await ledger.readRotations(runId, 0, 3);
      await ledger.writeRotations(
        runId,
        rows.map((row) => claimed(row, 5)),
      );
      const more = [
        ...rotations,
        sampleRotation(150),
        sampleRotation(151, { state: 'skipped', skipReason: 'osTooOld' }),
      ];
      await ledger.writePlannedRotations(runId, more);
      const read = (await ledger.readRotations(runId, 0, 1_000)).map(({ value }) => value);
      expect(read).toHaveLength(152);
      expect(read.slice(0, 4).map(({ state }) => state)).toEqual(['claimed', 'claimed', 'claimed', 'planned']);
      expect(read[151]).toEqual(more[151]);
    });

    it('of devices without an Entra device id are kept too', async () => {
      const ledger = await fresh();
      const runId = newRunId();
      const { entraDeviceId: _, ...rotation } = sampleRotation(0, { state: 'skipped', skipReason: 'noEntraDeviceId' });
      await ledger.writePlannedRotations(runId, [rotation]);
      expect((await ledger.readRotations(runId, 0, 1)).map(({ value }) => value)).toEqual([rotation]);
    });

    it('are written where the version is still the same; the others are named', async () => {
      const { ledger, runId } = await planned(100);
      const rows = await ledger.readRotations(runId, 0, 100);
      const theirs = rows.filter((_, i) => i % 10 === 3).map((row) => claimed(row, 1));
      expect(await ledger.writeRotations(runId, theirs)).toEqual([]);
      const lost = await ledger.writeRotations(
        runId,
        rows.map((row) => claimed(row, 2)),
      );
      expect(lost).toEqual([3, 13, 23, 33, 43, 53, 63, 73, 83, 93]);
      const after = await ledger.readRotations(runId, 0, 100);
      expect(after.map(({ value }) => value.claimedAtMs)).toEqual(
        Array.from({ length: 100 }, (_, i) => (i % 10 === 3 ? 1 : 2)),
      );
      const again = await ledger.writeRotations(
        runId,
        after.map((row) => claimed(row, 3)),
      );
      expect(again).toEqual([]);
    });

    it('are all lost to someone who read before everyone else wrote', async () => {
      const { ledger, runId } = await planned(40);
      const rows = await ledger.readRotations(runId, 0, 40);
      const mine = rows.map((row) => claimed(row, 1));
      await ledger.writeRotations(runId, mine);
      expect(await ledger.writeRotations(runId, mine)).toEqual(rows.map(({ value }) => value.order));
    });

    it('are divided between two writers at once: each row has one winner', async () => {
      const { ledger, runId } = await planned(60);
      const rows = await ledger.readRotations(runId, 0, 60);
      const writers = [rows.slice(0, 40), rows.slice(20), rows.slice(10, 50)];
      const lost = await Promise.all(
        writers.map((mine, i) =>
          ledger.writeRotations(
            runId,
            mine.map((row) => claimed(row, i)),
          ),
        ),
      );
      const after = await ledger.readRotations(runId, 0, 60);
      for (const { value } of after) {
        const winners = writers.flatMap((mine, i) =>
          mine.some((row) => row.value.order === value.order) && !lost[i]?.includes(value.order) ? [i] : [],
        );
        expect(winners).toEqual([value.claimedAtMs]);
      }
    });

    it('are at most a hundred at a time, and none is no work', async () => {
      const { ledger, runId } = await planned(1);
      const row = present((await ledger.readRotations(runId, 0, 1))[0]);
      await expect(ledger.writeRotations(runId, Array<typeof row>(101).fill(row))).rejects.toThrow(RangeError);
      await expect(ledger.readRotationsAt(runId, Array<number>(101).fill(0))).rejects.toThrow(RangeError);
      expect(await ledger.writeRotations(runId, [])).toEqual([]);
      await ledger.writePlannedRotations(runId, []);
    });

    it('keep names and states of any length and alphabet', async () => {
      const { ledger, runId } = await planned(3);
      const rows = await ledger.readRotations(runId, 0, 3);
      const text = '日本🎉"\\\r\n--changeset_1 '.repeat(4_000);
      const encryption = {
        id: 'x',
        deviceName: text,
        userPrincipalName: "o'neil@contoso.com",
        deviceType: 'windowsRT',
        osVersion: '10.0',
        tpmSpecificationVersion: '2.0',
        encryptionReadinessState: 'ready',
        encryptionState: 'encrypted',
        encryptionPolicySettingState: 'compliant',
        advancedBitLockerStates: ['success', ''],
        fileVaultStates: [],
        policyDetails: [{ policyId: 'p', policyName: text }],
      };
      const changed = rows.map(({ value, version }) => ({
        value: { ...value, deviceName: text, encryptionStates: [{ look: 0, atMs: 1, state: encryption }] },
        version,
      }));
      expect(await ledger.writeRotations(runId, changed)).toEqual([]);
      const read = await ledger.readRotations(runId, 0, 3);
      expect(read.map(({ value }) => value)).toEqual(changed.map(({ value }) => value));
    });
  });

  describe('device records', () => {
    it('are written and read by id, over all shards; unknown ids are left out', async () => {
      const ledger = await fresh();
      const records = Array.from({ length: 120 }, () => sampleDevice({ lastRequestAtMs: 1_790_000_000_007 }));
      const changes = records.map((record) => ({ record, version: undefined }));
      expect(await ledger.writeDevices(changes)).toEqual([]);
      const ids = records.map(({ entraDeviceId }) => entraDeviceId);
      const read = await ledger.readDevices([...ids, newEntraDeviceId(), present(ids[0])]);
      expect(read.size).toBe(120);
      for (const record of records) expect(read.get(record.entraDeviceId)?.value).toEqual(record);
      expect(await ledger.readDevices([])).toEqual(new Map());
      expect(await ledger.writeDevices([])).toEqual([]);
    });

    it('are found by managed device id too, the one asked last first', async () => {
      const ledger = await fresh();
      const { managedDeviceId } = sampleDevice();
      const id = present(managedDeviceId);
      const records = [undefined, 1_790_000_000_002, 1_790_000_000_001].map((lastRequestAtMs) =>
        sampleDevice({ managedDeviceId: id, ...(lastRequestAtMs === undefined ? {} : { lastRequestAtMs }) }),
      );
      const others = Array.from({ length: 40 }, () => sampleDevice());
      await ledger.writeDevices([...records, ...others].map((record) => ({ record, version: undefined })));
      const signal = new AbortController().signal;
      expect(await ledger.devicesManagedAs(id, signal)).toEqual([records[1], records[2], records[0]]);
      expect(await ledger.devicesManagedAs(present(sampleDevice().managedDeviceId), signal)).toEqual([]);
      const reason = new Error('stopped');
      await expect(ledger.devicesManagedAs(id, AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    it('keep a claim with everything in it, and lose it when it is released', async () => {
      const ledger = await fresh();
      const record = sampleDevice({
        claim: {
          runId: newRunId(),
          order: 3,
          attempt: 1,
          token: 't',
          claimedAtMs: 1,
          sendByMs: 2,
          previousRequestAtMs: 0,
          pending: { sinceMs: 5, acceptedAfterMs: 6, acceptedByMs: 7 },
        },
      });
      await ledger.writeDevices([{ record, version: undefined }]);
      const stored = present((await ledger.readDevices([record.entraDeviceId])).get(record.entraDeviceId));
      expect(stored.value).toEqual(record);
      const { claim: _, ...released } = record;
      await ledger.writeDevices([{ record: released, version: stored.version }]);
      const after = (await ledger.readDevices([record.entraDeviceId])).get(record.entraDeviceId);
      expect(after?.value).toEqual(released);
    });

    it('keep the keys that were imported, also of a device that no run has claimed', async () => {
      const ledger = await fresh();
      const entraDeviceId = newEntraDeviceId();
      const importedKeyIds = Array.from({ length: MOST_IMPORTED_KEYS }, () => String(newRunId()) as RecoveryKeyId);
      const imported: DeviceRecord = { entraDeviceId, importedKeyIds, importUntilMs: 1_790_000_000_007 };
      await ledger.writeDevices([{ record: imported, version: undefined }]);
      const stored = present((await ledger.readDevices([entraDeviceId])).get(entraDeviceId));
      expect(stored.value).toEqual(imported);
      const claimed = sampleDevice({ ...imported, lastRequestAtMs: 7 });
      expect(await ledger.writeDevices([{ record: claimed, version: stored.version }])).toEqual([]);
      expect((await ledger.readDevices([entraDeviceId])).get(entraDeviceId)?.value).toEqual(claimed);
    });

    it('name the losers: rows of another version, and inserts of rows that exist', async () => {
      const ledger = await fresh();
      const records = Array.from({ length: 50 }, () => sampleDevice());
      const ids = records.map(({ entraDeviceId }) => entraDeviceId);
      await ledger.writeDevices(records.slice(0, 30).map((record) => ({ record, version: undefined })));
      const before = await ledger.readDevices(ids);
      const stale = new Set(ids.slice(0, 5));
      await ledger.writeDevices(
        records.slice(0, 5).map((record) => ({
          record: { ...record, lastRequestAtMs: 1 },
          version: before.get(record.entraDeviceId)?.version,
        })),
      );
      const inserts = new Set(ids.slice(25, 30));
      const lost = await ledger.writeDevices(
        records.map((record) => ({
          record: { ...record, lastRequestAtMs: 2 },
          version: inserts.has(record.entraDeviceId) ? undefined : before.get(record.entraDeviceId)?.version,
        })),
      );
      expect(new Set(lost)).toEqual(new Set([...stale, ...inserts]));
      const after = await ledger.readDevices(ids);
      expect(ids.filter((id) => after.get(id)?.value.lastRequestAtMs === 2)).toHaveLength(40);
    });

    it('have one winner per device when several claim the same ones at once', async () => {
      const ledger = await fresh();
      const records = Array.from({ length: 40 }, () => sampleDevice());
      const claims = ['a', 'b', 'c'].map((lastKeyId) =>
        records.map((record) => ({ record: { ...record, lastRunId: lastKeyId as never }, version: undefined })),
      );
      const lost = await Promise.all(claims.map((changes) => ledger.writeDevices(changes)));
      const after = await ledger.readDevices(records.map(({ entraDeviceId }) => entraDeviceId));
      for (const { entraDeviceId } of records) {
        const winners = ['a', 'b', 'c'].filter((_, i) => !lost[i]?.includes(entraDeviceId));
        expect(winners).toEqual([after.get(entraDeviceId)?.value.lastRunId]);
      }
    });

    it('come in pages with their versions, all of them once', async () => {
      const ledger = await fresh();
      const records = Array.from({ length: 1_100 }, () => sampleDevice());
      await ledger.writeDevices(records.map((record) => ({ record, version: undefined })));
      const pages = await collect(ledger.devicePages());
      const ids = pages.flat().map(({ value }) => value.entraDeviceId);
      expect(ids).toEqual(records.map(({ entraDeviceId }) => entraDeviceId).sort());
      const some = present(pages.flat()[7]);
      expect(await ledger.writeDevices([{ record: some.value, version: some.version }])).toEqual([]);
    });
  });

  describe('quarantined messages', () => {
    const ID = 'rotation-runs/1 #? é';
    const AT_MS = 1_790_000_000_000;
    const entry: QuarantineEntry = {
      id: ID,
      queue: 'rotation-runs',
      reasons: ['checkpoint must be a whole number'],
      message: '{}',
      devices: [],
      atMs: AT_MS,
    };

    it('come back whole, of any characters; the same id is the same row', async () => {
      const ledger = await fresh();
      const whole = {
        ...entry,
        // 64 KiB, the most that a queue takes.
        message: `{"a":"${'ü'.repeat(20_000)}🎉${'"\\ '.repeat(8_500)}"}`.slice(0, 65_536),
        devices: Array.from({ length: 2_000 }, newEntraDeviceId),
      };
      expect(await ledger.readQuarantine(ID)).toBeUndefined();
      await ledger.quarantine(entry);
      await ledger.quarantine(whole);
      const other = { ...whole, id: 'rotation-runs/2', runId: newRunId(), sliceId: sampleSlice(0).sliceId };
      await ledger.quarantine(other);
      expect(await ledger.readQuarantine(ID)).toEqual(whole);
      const all = await collect(ledger.listQuarantine());
      expect(all).toHaveLength(2);
      expect(all).toEqual(expect.arrayContaining([whole, other]));
    });

    it('keep every reason on a line of its own, and count those beyond what a row holds', async () => {
      const ledger = await fresh();
      const reasons = [
        'targets[0] must have\r\n  one form',
        'x'.repeat(70_000),
        ...Array.from({ length: 6_000 }, reasonOf),
      ];
      await ledger.quarantine({ ...entry, reasons, message: 'ü'.repeat(65_536), devices: reasons.slice(2, 1_002) });
      const stored = present(await ledger.readQuarantine(ID)).reasons;
      expect(stored.slice(0, 2)).toEqual(['targets[0] must have one form', 'x'.repeat(70_000)]);
      const kept = stored.slice(0, -1);
      expect(kept.slice(2)).toEqual(reasons.slice(2, kept.length));
      expect(kept.length).toBeGreaterThan(2_000);
      expect(stored.at(-1)).toBe(`and ${reasons.length - kept.length} more`);
    });

    const reasonOf = (_: unknown, i: number) => `targets[${i}] must be a managed device id, a GUID, got "${i}"`;

    it('are deleted as they were read: one that was quarantined again since stays', async () => {
      const ledger = await fresh();
      await ledger.deleteQuarantine(ID, AT_MS);
      await ledger.quarantine(entry);
      await ledger.quarantine({ ...entry, atMs: AT_MS + 1 });
      await ledger.deleteQuarantine(ID, AT_MS);
      expect(await ledger.readQuarantine(ID)).toEqual({ ...entry, atMs: AT_MS + 1 });
      await ledger.deleteQuarantine(ID, AT_MS + 1);
      expect(await ledger.readQuarantine(ID)).toBeUndefined();
      expect(await collect(ledger.listQuarantine())).toEqual([]);
    });

    it('are preceded by a note of their last fault, which is no message, is short, and goes with them', async () => {
      const ledger = await fresh();
      const runId = newRunId();
      expect(await ledger.readFault(ID)).toBeUndefined();
      await ledger.noteFault(ID, { fault: 'first' });
      await ledger.noteFault(ID, { fault: `GraphError: malformed\nanswer ${'🎉'.repeat(600)}`, runId });
      const noted = present(await ledger.readFault(ID));
      expect(noted.fault).toMatch(/^GraphError: malformed answer (🎉)+…$/u);
      expect(noted.fault.length).toBeLessThanOrEqual(1_000);
      expect(noted.runId).toBe(runId);
      expect(await collect(ledger.listQuarantine())).toEqual([]);
      await ledger.quarantine(entry);
      expect(await ledger.readFault(ID)).toBeUndefined();
      await ledger.noteFault(ID, { fault: 'again' });
      await ledger.deleteQuarantine(ID, AT_MS);
      expect(await ledger.readFault(ID)).toBeUndefined();
    });

    it('need no note once a delivery went well', async () => {
      const ledger = await fresh();
      await ledger.noteFault(ID, { fault: 'an outage' });
      await ledger.noteFault('rotation-runs/2', { fault: 'another' });
      await ledger.forgetFault(ID);
      await ledger.forgetFault(ID);
      expect(await ledger.readFault(ID)).toBeUndefined();
      expect(await ledger.readFault('rotation-runs/2')).toEqual({ fault: 'another' });
    });
  });
}
