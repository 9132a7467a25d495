import type { InvocationContext } from '@azure/functions';
import { expect, it } from 'vitest';
import { invocationOf } from '../../functions/context/invocation-of.ts';

// The host gives numbers of its metadata as JSON: as numbers, or as text.
it.each([
  [{ dequeueCount: 3 }, 3],
  [{ dequeueCount: '3' }, 3],
  [{ dequeueCount: '' }, undefined],
  [{}, undefined],
  [undefined, undefined],
])('a call with metadata %j was delivered %s times', (triggerMetadata, expected) => {
  const context = { functionName: 'f', invocationId: 'i', triggerMetadata } as unknown as InvocationContext;
  expect(invocationOf(context).dequeueCount).toBe(expected);
});
