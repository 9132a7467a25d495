/** What every `Queues` promises; run on memory and on Azurite. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { RunId, SliceId, TenantId } from '../../src/domain/ids.ts';
import { MAX_MESSAGE_DELAY_MS, type Queues } from '../../src/domain/queues.ts';

/** Messages that are visible now, as JSON values, taken off the queue. */
export interface QueuesUnderTest {
  readonly queues: Queues;
  receive(queue: 'rotation-runs' | 'encryption-states'): Promise<readonly unknown[]>;
  /** The texts of visible requests, taken off their queue. */
  receiveRequests(): Promise<readonly string[]>;
}

const tenantId = randomUUID() as TenantId;
const runId = randomUUID() as RunId;

/** `fresh` gives empty queues. */
export function queuesContract(fresh: () => QueuesUnderTest | Promise<QueuesUnderTest>): void {
  it('sends continuations and slices to their queues, as JSON with the ids and the counter', async () => {
    const { queues, receive } = await fresh();
    const continuation = { tenantId, runId, checkpoint: 4 };
    const slice = { tenantId, runId, sliceId: '0000120-0' as SliceId, look: 2 };
    await queues.sendContinuation(continuation, 0);
    await queues.sendSlice(slice, 0);
    expect(await receive('rotation-runs')).toEqual([continuation]);
    expect(await receive('encryption-states')).toEqual([slice]);
  });

  it.each([
    '{"targets":[{"deviceName":"Ünit <7> & 8"}]}',
    'eyJ0YXJnZXRzIjpbXX0=',
    'no JSON at all',
    JSON.stringify({ targets: 'x'.repeat(60_000) }),
  ])('sends a request as the text it is (%#)', async (text) => {
    const { queues, receive, receiveRequests } = await fresh();
    await queues.sendRequest(text, 0);
    expect(await receive('rotation-runs')).toEqual([]);
    expect(await receiveRequests()).toEqual([text]);
  });

  it('hides a request as long as it is delayed', async () => {
    const { queues, receiveRequests } = await fresh();
    await queues.sendRequest('{}', 1_500);
    expect(await receiveRequests()).toEqual([]);
    await expect(queues.sendRequest('{}', MAX_MESSAGE_DELAY_MS + 1)).rejects.toThrow(RangeError);
  });

  it.each([1, 1_500, MAX_MESSAGE_DELAY_MS])('hides a message that is delayed by %d ms', async (delayMs) => {
    const { queues, receive } = await fresh();
    await queues.sendContinuation({ tenantId, runId, checkpoint: 1 }, delayMs);
    expect(await receive('rotation-runs')).toEqual([]);
  });

  it.each([MAX_MESSAGE_DELAY_MS + 1, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses a delay of %d ms and sends nothing',
    async (delayMs) => {
      const { queues, receive } = await fresh();
      await expect(queues.sendContinuation({ tenantId, runId, checkpoint: 1 }, delayMs)).rejects.toThrow(RangeError);
      expect(await receive('rotation-runs')).toEqual([]);
    },
  );
}
