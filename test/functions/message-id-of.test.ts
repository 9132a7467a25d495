import type { InvocationContext } from '@azure/functions';
import { expect, it } from 'vitest';
import { messageIdOf } from '../../functions/context/message-id-of.ts';

it.each([
  [{ id: 'c1b2a3d4-0000-4000-8000-000000000001' }, 'c1b2a3d4-0000-4000-8000-000000000001'],
  [{ id: '' }, undefined],
  [{ id: 7 }, undefined],
  [{}, undefined],
  [undefined, undefined],
])('a call with metadata %j is about message %j', (triggerMetadata, expected) => {
  expect(messageIdOf({ triggerMetadata } as unknown as InvocationContext)).toBe(expected);
});
