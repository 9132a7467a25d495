import { describe, expect, it } from 'vitest';
import { inOrder } from '../../src/app/in-order.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('work in order', () => {
  it('begins with the first items, so many together, and gives the results in order whoever ends first', async () => {
    const begun: number[] = [];
    let inHand = 0;
    let most = 0;
    const results = await inOrder([5, 1, 4, 1, 3, 2], 2, async (turns) => {
      begun.push(turns);
      inHand += 1;
      most = Math.max(most, inHand);
      for (let i = 0; i < turns; i++) await turn();
      inHand -= 1;
      return turns * 10;
    });
    expect(results).toEqual([50, 10, 40, 10, 30, 20]);
    expect(begun).toEqual([5, 1, 4, 1, 3, 2]);
    expect(most).toBe(2);
  });

  it('starts nothing further after a failure, which it throws', async () => {
    const begun: number[] = [];
    const all = inOrder([0, 1, 2, 3, 4, 5, 6, 7], 2, async (item) => {
      begun.push(item);
      await turn();
      if (item === 1) throw new Error('failed');
    });
    await expect(all).rejects.toThrow('failed');
    for (let i = 0; i < 10; i++) await turn();
    expect(begun).toEqual([0, 1, 2]);
  });
});
