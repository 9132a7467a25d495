/** Reads a queue message's body. Pure. Layer: domain. */
import { MessageError } from './messages.ts';

const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;

/** A message as it is read. */
export interface JsonMessage {
  /** The JSON, base64 undone. */
  readonly text: string;
  readonly body: unknown;
}

function parse(encoded: string): JsonMessage | undefined {
  const text = encoded.replace(/^\uFEFF/, '');
  try {
    return { text, body: JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What base64 stands for, or `undefined` when it is none. */
export function textOfBase64(text: string): string | undefined {
  return BASE64.test(text) ? Buffer.from(text, 'base64').toString('utf8') : undefined;
}

/** The JSON in `text`: plain, or in base64, because tools send both. `undefined` when it is neither. Any depth will do. */
export function readJsonMessage(text: string): JsonMessage | undefined {
  // "1234" and "true" are JSON and base64; the messages we know are objects, and base64 of an object is never JSON.
  const plain = parse(text);
  if (plain !== undefined) return plain;
  const decoded = textOfBase64(text);
  return decoded === undefined ? undefined : parse(decoded);
}

/**
 * The JSON value in `text`, plain or in base64.
 * @throws {MessageError} when it is neither; the message does not repeat the text.
 */
export function decodeMessageBody(text: string): unknown {
  const message = readJsonMessage(text);
  if (message !== undefined) return message.body;
  throw new MessageError(`message must be JSON, or base64 of it; got ${text.length} characters that are neither`);
}
