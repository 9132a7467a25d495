/** Reads a queue message's body. Pure. Layer: storage adapter. */
import { MessageError } from '../domain/messages.ts';

const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;

function parse(text: string): { readonly body: unknown } | undefined {
  try {
    return { body: JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * The JSON value in `text`: plain JSON, or base64 of it, because tools send both.
 * @throws {MessageError} when it is neither; the message does not repeat the text.
 */
export function decodeMessageBody(text: string): unknown {
  const plain = parse(text.replace(/^\uFEFF/, ''));
  // "1234" and "true" are JSON and base64; the messages we know are objects, and base64 of an object is never JSON.
  if (plain !== undefined) return plain.body;
  if (BASE64.test(text)) {
    const decoded = parse(
      Buffer.from(text, 'base64')
        .toString('utf8')
        .replace(/^\uFEFF/, ''),
    );
    if (decoded !== undefined) return decoded.body;
  }
  throw new MessageError(`message must be JSON, or base64 of it; got ${text.length} characters that are neither`);
}
