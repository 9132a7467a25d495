import { describe, expect, it } from 'vitest';
import { keepPicture, latestPicture, MOST_PICTURES, prunePictures } from '../../../src/app/fleet/kept-pictures.ts';
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

  it('are the newest of the tenant once pruned, by one or by two at once', async () => {
    const files = createMemoryReportFiles();
    const dayOf = (n: number) => new Date(Date.UTC(2026, 0, n)).toISOString();
    for (let n = 1; n <= MOST_PICTURES + 3; n++) await keepPicture(files, picture(dayOf(n)));
    await keepPicture(files, picture(dayOf(1), { tenantId: OTHER }));
    await Promise.all([prunePictures(files, TENANT), prunePictures(files, TENANT)]);
    const names = await files.list(`fleet/${TENANT}/`);
    expect(names).toHaveLength(MOST_PICTURES);
    expect(names[0]).toContain('2026-01-04');
    expect(await latestPicture(files, OTHER)).toBeDefined();
    await prunePictures(files, TENANT);
    expect(await files.list(`fleet/${TENANT}/`)).toEqual(names);
  });

  it('stay where a policy of the container keeps them, which is tried once', async () => {
    const tried: string[] = [];
    await prunePictures(
      {
        list: async () => Array.from({ length: MOST_PICTURES + 5 }, (_, n) => `picture-${n}`),
        async delete(name) {
          tried.push(name);
          return false;
        },
      },
      TENANT,
    );
    expect(tried).toEqual(['picture-0']);
  });

  it('of the same instant are kept once', async () => {
    const files = createMemoryReportFiles();
    await keepPicture(files, picture('2026-11-22T10:00:00.000Z'));
    await keepPicture(files, picture('2026-11-22T10:00:00.000Z', { devices: 2 }));
    expect((await latestPicture(files, TENANT))?.devices).toBe(1);
  });
});
