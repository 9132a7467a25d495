/** The bytes of a CSV as text with one kind of line end, so that lines can be counted. Layer: cli. */
import { Transform, type TransformCallback } from 'node:stream';
import { TextDecoder } from 'node:util';

export interface CsvText {
  readonly stream: Transform;
  /** How many bytes of the input stand for so many bytes of the text, on the average so far. */
  inputBytes(textBytes: number): number;
}

/** Chosen: a comment is a line; what is longer is something else. */
const LONGEST_COMMENT = 65_536;
/** What PowerShell 5 writes first when nobody tells it not to: `#TYPE System.Object`. */
const COMMENT = /^\s*(?:#.*)?$/;

/**
 * UTF-8 or UTF-16 little endian, with or without a byte order mark. `\r\n`, `\n` and `\r` each end a line, in any mixture. Lines that begin
 * with `#` are emptied before the header; below it they are rows like any other.
 */
export function createCsvText(): CsvText {
  let decoder: TextDecoder | undefined;
  let bytesIn = 0;
  let bytesOut = 0;
  /** Too little to tell the encoding by. */
  let first = Buffer.alloc(0);
  /** A line end of which the second half may follow. */
  let half = '';
  /** The lines before the header, as far as they have come. */
  let above: string | undefined = '';

  function decoded(bytes: Buffer, isLast: boolean): string {
    if (decoder === undefined) {
      first = Buffer.concat([first, bytes]);
      if (first.length < 2 && !isLast) return '';
      decoder = new TextDecoder(isUtf16(first) ? 'utf-16le' : 'utf-8');
      return decoder.decode(first, { stream: !isLast });
    }
    return decoder.decode(bytes, { stream: !isLast });
  }

  function withOneLineEnd(text: string, isLast: boolean): string {
    const all = half + text;
    half = !isLast && all.endsWith('\r') ? '\r' : '';
    return (half === '' ? all : all.slice(0, -1)).replace(/\r\n?/g, '\n');
  }

  function withoutComments(text: string, isLast: boolean): string {
    if (above === undefined) return text;
    above += text;
    let out = '';
    for (;;) {
      const end = above.indexOf('\n');
      const isWhole = end >= 0 || isLast || above.length > LONGEST_COMMENT;
      if (!isWhole) return out;
      const line = end < 0 ? above : above.slice(0, end);
      const isHeader = !COMMENT.test(line);
      if (isHeader || end < 0) {
        out += isHeader ? above : '';
        above = undefined;
        return out;
      }
      out += '\n';
      above = above.slice(end + 1);
    }
  }

  function pass(bytes: Buffer, isLast: boolean): Buffer {
    bytesIn += bytes.length;
    const text = Buffer.from(withoutComments(withOneLineEnd(decoded(bytes, isLast), isLast), isLast));
    bytesOut += text.length;
    return text;
  }

  const stream = new Transform({
    transform(bytes: Buffer, _encoding, done: TransformCallback) {
      done(null, pass(bytes, false));
    },
    flush(done: TransformCallback) {
      done(null, pass(Buffer.alloc(0), true));
    },
  });
  return {
    stream,
    inputBytes: (textBytes) => (bytesOut === 0 ? 0 : Math.round((textBytes * bytesIn) / bytesOut)),
  };
}

/** By its mark, or because its first character, which is one of ASCII, has an empty half. */
function isUtf16(first: Buffer): boolean {
  return (first[0] === 0xff && first[1] === 0xfe) || (first.length > 1 && first[1] === 0);
}
