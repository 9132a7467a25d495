import { describe, expect, it } from 'vitest';
import { putRequest } from '../../src/app/put-request.ts';
import { parseRunId, parseTenantId } from '../../src/domain/ids.ts';
import { MOST_TARGETS } from '../../src/domain/request-fields.ts';
import { parseRotationRequest, type RotationRequest } from '../../src/domain/rotation-request.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createMemoryQueues } from '../../src/storage/memory/memory-queues.ts';

const tenantId = parseTenantId('7e570000-0000-4000-8000-00000000abcd');
const requestId = parseRunId('a0000000-0000-4000-8000-00000000000a');

async function put(request: Omit<RotationRequest, 'requestId'>) {
  const queues = createMemoryQueues({ clock: createVirtualClock(0) });
  const requests = await putRequest({ queues, settings: { tenantId } }, { ...request, requestId });
  const texts = queues.waiting().map(({ body }) => String(body));
  return { requests, texts };
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
