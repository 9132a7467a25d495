import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessageBody } from '../../src/domain/message-body.ts';
import { MessageError } from '../../src/domain/messages.ts';

describe('reading a message body', () => {
  it('takes plain JSON and base64 of it for the same message', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (message) => {
        const text = JSON.stringify(message);
        const expected: unknown = JSON.parse(text);
        expect(decodeMessageBody(text)).toEqual(expected);
        expect(decodeMessageBody(` ${text}\r\n`)).toEqual(expected);
        expect(decodeMessageBody(Buffer.from(text).toString('base64'))).toEqual(expected);
        expect(decodeMessageBody(Buffer.from(`\uFEFF${text}`).toString('base64'))).toEqual(expected);
        expect(decodeMessageBody(`\uFEFF${text}`)).toEqual(expected);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['text', 'rotate LAPTOP-1 please'],
    ['cut JSON', '{"runId":"a"'],
    ['base64 of text', Buffer.from('rotate please').toString('base64')],
    ['binary', '\u0000\u0001'],
  ])('refuses %s without repeating it', (_, text) => {
    expect(() => decodeMessageBody(text)).toThrow(MessageError);
    if (text.length > 3) expect(() => decodeMessageBody(text)).not.toThrow(text);
  });
});
