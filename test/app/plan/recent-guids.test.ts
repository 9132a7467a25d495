import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GUID_BYTES, writeGuid } from '../../../src/app/plan/guid-bytes.ts';
import { createRecentGuids } from '../../../src/app/plan/recent-guids.ts';

it('knows the last so many that were new, takes nothing for known that was not noted, and forgets what is twice as old', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 12 }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      (numbers, atLeast) => {
        const recent = createRecentGuids(atLeast);
        const noted: number[] = [];
        for (const number of numbers) {
          const bytes = new Uint8Array(GUID_BYTES + 3);
          writeGuid(bytes, 3, `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`);
          const isNew = recent.isNew(bytes, 3);
          if (noted.slice(-atLeast).includes(number)) expect(isNew).toBe(false);
          if (!noted.slice(-2 * atLeast).includes(number)) expect(isNew).toBe(true);
          if (isNew) noted.push(number);
        }
      },
    ),
  );
});
