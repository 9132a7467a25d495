import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeChunk, encodeChunk } from '../../../src/app/plan/chunk-file.ts';
import { listingPrefix, numbered, planIndexName, planPrefix, planRowsName } from '../../../src/app/plan/plan-files.ts';
import { decodePlanRows, encodePlanRows, type PlannedRotation } from '../../../src/app/plan/plan-rows.ts';
import {
  parseEntraDeviceId,
  parseManagedDeviceId,
  parseRecoveryKeyId,
  parseRunId,
  parseTenantId,
} from '../../../src/domain/ids.ts';
import { SKIP_REASONS } from '../../../src/domain/rotation.ts';
import { anyRoute } from '../../storage/arbitraries.ts';

const TENANT = parseTenantId('99999999-1111-4222-8333-444455556666');

describe('a chunk file', () => {
  it('says what was written, whatever the place it continues from', () => {
    const header = fc.record(
      { count: fc.nat(), startedAtMs: fc.nat(), next: fc.string({ unit: 'grapheme', maxLength: 300 }) },
      { requiredKeys: ['count', 'startedAtMs'] },
    );
    fc.assert(
      fc.property(header, fc.array(fc.uint8Array({ maxLength: 50 })), fc.nat({ max: 5 }), (head, parts, shift) => {
        const file = encodeChunk(head, parts);
        // As part of a larger buffer, as a download may hand it over.
        const shifted = Buffer.concat([Buffer.alloc(shift), file]).subarray(shift);
        const chunk = decodeChunk(shifted);
        expect(chunk.header).toEqual(head);
        expect(Buffer.from(chunk.body)).toEqual(Buffer.concat(parts));
      }),
    );
  });
});

describe('plan rows', () => {
  const planned = fc
    .record({
      managed: fc.uuid(),
      entra: fc.option(fc.uuid()),
      name: fc.string({ unit: 'grapheme', maxLength: 40 }),
      key: fc.option(fc.record({ id: fc.uuid(), at: fc.double({ noNaN: true, noDefaultInfinity: true }) })),
      keyCount: fc.nat({ max: 200 }),
      route: fc.option(anyRoute),
      as: fc.oneof(
        fc.constant({ state: 'planned' as const }),
        fc.constant({ state: 'planned' as const, canary: true as const }),
        fc.constant({ state: 'notDue' as const }),
        fc.constantFrom(...SKIP_REASONS).map((skipReason) => ({ state: 'skipped' as const, skipReason })),
      ),
    })
    .map(({ managed, entra, name, key, keyCount, route, as }): PlannedRotation => {
      const entraDeviceId = parseEntraDeviceId(entra);
      return {
        ...as,
        managedDeviceId: parseManagedDeviceId(managed),
        deviceName: name,
        keyCount,
        ...(entraDeviceId === undefined ? {} : { entraDeviceId }),
        ...(route === null ? {} : { route }),
        ...(key === null ? {} : { keyBeforeId: parseRecoveryKeyId(key.id), keyBeforeAtMs: key.at }),
      };
    });

  it('come back as the rows of the ledger, numbered from where their file begins', () => {
    fc.assert(
      fc.property(fc.array(planned), fc.nat({ max: 1_000_000 }), (rows, first) => {
        const expected = rows.map((row, i) => ({ ...row, order: first + i, attempt: 0 }));
        expect(decodePlanRows(encodePlanRows(rows), first)).toEqual(expected);
      }),
    );
  });

  it('take no room for a route they do not have', () => {
    fc.assert(
      fc.property(fc.array(planned), (rows) => {
        const plain = rows.map(({ route: _route, ...row }) => row);
        const bytes = plain.reduce((sum, row) => sum + 61 + Buffer.byteLength(row.deviceName), 0);
        expect(encodePlanRows(plain)).toHaveLength(bytes);
      }),
    );
  });

  it('cut a name at 255 bytes, never inside a letter', () => {
    const row: PlannedRotation = {
      managedDeviceId: parseManagedDeviceId('0f0e0d0c-1111-4222-8333-444455556666'),
      deviceName: 'ü'.repeat(200),
      keyCount: 0,
      state: 'planned',
    };
    const [first, second] = decodePlanRows(encodePlanRows([row, { ...row, deviceName: 'LT-2' }]), 0);
    expect(first?.deviceName).toBe('ü'.repeat(127));
    expect(second?.deviceName).toBe('LT-2');
  });
});

describe('names of planning files', () => {
  const run = (id: string) => parseRunId(id);

  it('of one run are never those of another, nor of another listing', () => {
    expect(planPrefix(TENANT, run('a')).startsWith(planPrefix(TENANT, run('ab')))).toBe(false);
    expect(planPrefix(TENANT, run('ab')).startsWith(planPrefix(TENANT, run('a')))).toBe(false);
    const listings = ['devices', 'keys', 'keys-again', 'targets', 'tries', 'script-000001', 'script-0000010'] as const;
    for (const one of listings)
      for (const other of listings)
        expect(listingPrefix(TENANT, run('a'), one).startsWith(listingPrefix(TENANT, run('a'), other))).toBe(
          one === other,
        );
  });

  it('all begin with what is deleted when the run ends', () => {
    const prefix = planPrefix(TENANT, run('a'));
    for (const name of [
      listingPrefix(TENANT, run('a'), 'devices'),
      planIndexName(TENANT, run('a')),
      planRowsName(TENANT, run('a'), 'p', 3),
    ])
      expect(name.startsWith(prefix)).toBe(true);
  });

  it('sort as they are numbered', () => {
    fc.assert(
      fc.property(fc.nat({ max: 999_999 }), fc.nat({ max: 999_999 }), (a, b) => {
        expect(numbered(a) < numbered(b)).toBe(a < b);
      }),
    );
  });
});
