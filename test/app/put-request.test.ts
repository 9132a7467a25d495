import { describe, expect, it } from 'vitest';
import { putRequest } from '../../src/app/put-request.ts';
import { parseRunId, parseTenantId, type RunId } from '../../src/domain/ids.ts';
import { MOST_TARGETS } from '../../src/domain/request-fields.ts';
import { parseRotationRequest, type RotationRequest } from '../../src/domain/rotation-request.ts';
import type { Run } from '../../src/domain/run.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createMemoryQueues } from '../../src/storage/memory/memory-queues.ts';
import { sampleRun } from '../contracts/samples.ts';

const tenantId = parseTenantId('7e570000-0000-4000-8000-00000000abcd');
const requestId = parseRunId('a0000000-0000-4000-8000-00000000000a');

/** `runs`: what the ledger holds. */
async function put(request: Omit<RotationRequest, 'requestId'>, runs: readonly Run[] = []) {
  const queues = createMemoryQueues({ clock: createVirtualClock(0) });
  const ledger = {
    readRun: async (runId: RunId) => {
      const value = runs.find((run) => run.runId === runId);
      return value && { value, version: '1' };
    },
  };
  const outcome = await putRequest({ queues, ledger, settings: { tenantId } }, { ...request, requestId });
  const texts = queues.waiting().map(({ body }) => String(body));
  return { outcome, requests: outcome.kind === 'put' ? outcome.requests : [], texts };
}

function read(text: string): RotationRequest {
  const parsed = parseRotationRequest(JSON.parse(text), { tenantId });
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'));
  return parsed.ok;
}

describe('a request that is put', () => {
  it('is one message, which says the same', async () => {
    const request = {
      reason: 'lost',
      requestedBy: 'INC-1',
      notBeforeMs: Date.UTC(2026, 11, 1, 8),
      targets: [{ deviceName: 'LT-1' }, { deviceHealthScriptId: 'S', failing: true as const }],
    };
    const { requests, texts } = await put(request);
    expect(requests).toEqual([{ requestId, targets: 2 }]);
    expect(texts.map(read)).toEqual([{ ...request, requestId }]);
    // Should it land on another tenant's queue, it is refused there.
    expect(JSON.parse(texts[0] ?? '')).toMatchObject({ tenantId });
  });

  it('and too long for one message is split, each part below 64 KiB even as base64, with an id that stays the same', async () => {
    const targets = Array.from({ length: MOST_TARGETS }, (_, i) => ({
      userPrincipalName: `ünser.user.${i}@contoso.example`,
    }));
    const { requests, texts } = await put({ reason: 'all of them', targets });
    expect(texts.length).toBeGreaterThan(2);
    for (const text of texts) expect(Buffer.from(text).toString('base64').length).toBeLessThan(65_536);
    const parts = texts.map(read);
    expect(parts.flatMap((part) => part.targets)).toEqual(targets);
    expect(parts.map((part) => part.requestId)).toEqual(requests.map((one) => one.requestId));
    expect(new Set(requests.map((one) => one.requestId)).size).toBe(texts.length);
    expect(requests[0]?.requestId).toBe(requestId);
    expect((await put({ reason: 'all of them', targets })).requests).toEqual(requests);
  });
});

describe('a request whose run exists', () => {
  const targets = [{ deviceName: 'LT-1' }, { deviceName: 'LT-2' }];
  const run = (changes: Partial<Run> = {}) => sampleRun({ runId: requestId, mode: 'live', targets, ...changes });

  it('is told with its state, and not put again, whatever the order of its targets', async () => {
    const one = run({ state: 'settling', createdAtMs: 5 });
    const { outcome, texts } = await put({ reason: 'anew', targets: targets.toReversed() }, [one]);
    expect(outcome).toEqual({
      kind: 'put',
      requests: [{ requestId, targets: 2, existing: { state: 'settling', mode: 'live', createdAtMs: 5 } }],
    });
    expect(texts).toEqual([]);
  });

  it.each([
    [
      'other targets',
      { targets: [{ deviceName: 'LT-3' }] },
      'for a request for 1 target, and here for 2 other targets',
    ],
    ['the whole fleet', { targets: undefined as never }, 'for a run over the whole fleet'],
    ['a dry run', { mode: 'dryRun' }, 'was planned as a dry run; send it with a new requestId'],
  ] as const)('for %s is refused, and nothing is put', async (_what, changes, why) => {
    const { outcome, texts } = await put({ targets }, [run(changes)]);
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining(why) });
    expect(texts).toEqual([]);
  });

  it('in part only is completed by the parts that are missing; one that is taken refuses all', async () => {
    const many = Array.from({ length: 3_000 }, (_, i) => ({
      userPrincipalName: `a.rather.long.name.${i}@contoso.example`,
    }));
    const { requests, texts } = await put({ targets: many });
    expect(requests.length).toBeGreaterThan(2);
    const [first, second] = texts.map(read);
    const taken = run({ runId: second?.requestId ?? requestId, targets: second?.targets ?? [] });
    const again = await put({ targets: many }, [taken]);
    expect(again.texts).toEqual(texts.toSpliced(1, 1));
    expect(again.requests.map(({ existing }) => existing !== undefined).indexOf(true)).toBe(1);
    const refused = await put({ targets: many }, [{ ...taken, targets: first?.targets ?? [] }]);
    expect(refused.outcome.kind).toBe('refused');
    expect(refused.texts).toEqual([]);
  });
});
