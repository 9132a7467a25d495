import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessage, dispositionOf, isPoisonQueue, triggerDataOf } from '../../src/local/queue-message.ts';

describe('message encoding', () => {
  it('hands over the text as it is with encoding none', () => {
    expect(decodeMessage('eyJhIjoxfQ==', 'none')).toBe('eyJhIjoxfQ==');
  });

  it('gives back whatever was encoded', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        (text) => decodeMessage(Buffer.from(text, 'utf8').toString('base64'), 'base64') === text,
      ),
    );
  });

  it.each([['{"a":1}'], ['eyJhIjoxfQ'], ['//79'], ['not base64!']])('does not take %s for base64 of text', (text) => {
    expect(decodeMessage(text, 'base64')).toBeUndefined();
  });
});

describe('what becomes of a message', () => {
  it.each([
    [true, 'encryption-states', 1, 'delete'],
    [true, 'encryption-states', 9, 'delete'],
    [false, 'encryption-states', 1, 'release'],
    [false, 'encryption-states', 4, 'release'],
    [false, 'encryption-states', 5, 'poison'],
    [false, 'encryption-states', 6, 'poison'],
    [true, 'encryption-states-poison', 1, 'delete'],
    [false, 'encryption-states-poison', 1, 'leave'],
    [false, 'encryption-states-poison', 50, 'leave'],
  ] as const)('succeeded %s, queue %s, delivery %i of 5: %s', (succeeded, queueName, dequeueCount, disposition) => {
    expect(dispositionOf({ succeeded, queueName, dequeueCount, maxDequeueCount: 5 })).toBe(disposition);
  });

  it('knows a poison queue by its name', () => {
    expect(isPoisonQueue('rotation-runs-poison')).toBe(true);
    expect(isPoisonQueue('rotation-runs')).toBe(false);
  });
});

describe('trigger data', () => {
  it('carries text and metadata in the worker wire form', () => {
    const message = {
      messageId: '11111111-2222-3333-4444-555555555555',
      popReceipt: 'AgAAAAMAAAAA',
      dequeueCount: 2,
      insertedOn: new Date('2026-11-22T10:00:00Z'),
      expiresOn: new Date('2026-11-29T10:00:00Z'),
      nextVisibleOn: new Date('2026-11-22T10:10:00Z'),
      messageText: 'ignored',
    };
    expect(triggerDataOf(message, '{"a":1}')).toEqual({
      input: { string: '{"a":1}' },
      metadata: {
        QueueTrigger: { string: '{"a":1}' },
        DequeueCount: { int: 2 },
        ExpirationTime: { json: '"2026-11-29T10:00:00.000Z"' },
        Id: { string: '11111111-2222-3333-4444-555555555555' },
        InsertionTime: { json: '"2026-11-22T10:00:00.000Z"' },
        NextVisibleTime: { json: '"2026-11-22T10:10:00.000Z"' },
        PopReceipt: { string: 'AgAAAAMAAAAA' },
      },
    });
  });
});
