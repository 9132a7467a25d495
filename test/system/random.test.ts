import { expect, it } from 'vitest';
import { isGuid } from '../../src/domain/ids.ts';
import { createSystemRandom } from '../../src/system/random.ts';

it('numbers are from 0 up to, but not, 1', () => {
  const random = createSystemRandom();
  for (let i = 0; i < 1000; i++) {
    const value = random.next();
    expect(value >= 0 && value < 1).toBe(true);
  }
});

it('GUIDs are of version 4, in lower case, and all different', () => {
  const random = createSystemRandom();
  const guids = Array.from({ length: 1000 }, () => random.guid());
  expect(new Set(guids).size).toBe(1000);
  for (const guid of guids) {
    expect(isGuid(guid)).toBe(true);
    expect(guid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
  }
});
