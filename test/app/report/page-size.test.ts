import { describe, expect, it } from 'vitest';
import { renderReport } from '../../../src/app/report/html/render-report.ts';
import { sampleRotation } from '../../contracts/samples.ts';
import { reportModel } from '../../support/report-models.ts';

const DEVICES = 100_000;
const MOST_BYTES = 5_000_000;

describe('the page of 100,000 devices that all need somebody', () => {
  it.each([
    ['usual', (i: number) => `LT-FRA-${i}`],
    ['as long as they can be, of what takes most as markup', () => '"'.repeat(255)],
  ] as const)('is smaller than 5 MB with names that are %s', (_names, nameOf) => {
    const rotations = Array.from({ length: DEVICES }, (_, i) =>
      sampleRotation(i, { deviceName: nameOf(i), state: 'overdue', acceptedByMs: i * 100 }),
    );
    let bytes = 0;
    for (const part of renderReport(reportModel(rotations))) bytes += Buffer.byteLength(part);
    expect(bytes).toBeGreaterThan(500_000);
    expect(bytes).toBeLessThan(MOST_BYTES);
  });
});
