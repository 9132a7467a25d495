import { describe, expect, it } from 'vitest';
import { keepPicture, latestPicture } from '../../../src/app/fleet/kept-pictures.ts';
import type { FleetPicture } from '../../../src/domain/fleet/fleet-picture.ts';
import { noKeyAges } from '../../../src/domain/key-ages.ts';
import { createMemoryReportFiles } from '../../../src/storage/memory/memory-report-files.ts';

const TENANT = '7e570000-0000-4000-8000-000000000001';
const OTHER = '7e570000-0000-4000-8000-000000000002';

function picture(at: string, changes: Partial<FleetPicture> = {}): FleetPicture {
  return {
    tenantId: TENANT,
    at,
    devices: 1,
    eligible: 1,
    withoutKey: 0,
    pastMaxKeyAge: 0,
    nearKeyLimit: 0,
    atKeyLimit: 0,
    rotatedWithoutKey: 0,
    neverAnswered: 0,
    inProgress: 0,
    keyAges: noKeyAges(),
    ineligible: {},
    ...changes,
  };
}

describe('pictures that are kept', () => {
  it('are found again: the latest of the tenant, whatever order they were kept in', async () => {
    const files = createMemoryReportFiles();
    expect(await latestPicture(files, TENANT)).toBeUndefined();
    for (const at of ['2026-11-22T10:00:00.000Z', '2026-11-23T09:00:00.000Z', '2026-11-22T23:59:59.999Z'])
      await keepPicture(files, picture(at));
    await keepPicture(files, picture('2026-12-01T00:00:00.000Z', { tenantId: OTHER }));
    expect(await latestPicture(files, TENANT)).toEqual(picture('2026-11-23T09:00:00.000Z'));
  });

  it('are passed over when somebody damaged them', async () => {
    const files = createMemoryReportFiles();
    await keepPicture(files, picture('2026-11-22T10:00:00.000Z'));
    for (const [name, text] of [
      ['2026-11-23T10-00-00.000Z', '{'],
      ['2026-11-24T10-00-00.000Z', '{}'],
    ])
      await files.create({
        name: `fleet/${TENANT}/${name}.json`,
        contentType: 'application/json',
        content: (async function* () {
          yield Buffer.from(text ?? '');
        })(),
        metadata: () => ({}),
      });
    expect(await latestPicture(files, TENANT)).toEqual(picture('2026-11-22T10:00:00.000Z'));
  });

  it('of the same instant are kept once', async () => {
    const files = createMemoryReportFiles();
    await keepPicture(files, picture('2026-11-22T10:00:00.000Z'));
    await keepPicture(files, picture('2026-11-22T10:00:00.000Z', { devices: 2 }));
    expect((await latestPicture(files, TENANT))?.devices).toBe(1);
  });
});
