import { describe, expect, it } from 'vitest';
import { jsonDocument } from '../../src/cli/json-document.ts';

const AT_MS = Date.UTC(2026, 10, 28, 10, 30);
const AT = '2026-11-28T10:30:00.000Z';

describe('a JSON document', () => {
  it.each([
    ['atMs', 'at'],
    ['provenAtMs', 'provenAt'],
    ['sendByMs', 'sendBy'],
    ['acceptedAfterMs', 'acceptedAfter'],
    ['doneWithoutKeySinceMs', 'doneWithoutKeySince'],
    ['fromMs', 'from'],
    ['untilMs', 'until'],
  ])('has ISO text for the instant %s', (inside, name) => {
    expect(JSON.parse(jsonDocument({ devices: [{ [inside]: AT_MS }] }))).toEqual({ devices: [{ [name]: AT }] });
  });

  it('leaves durations, and all else, as they are', () => {
    const document = {
      pausedMs: 5,
      retryAfterMs: 6,
      windowMs: 7,
      whatMs: 8,
      atMs: 'then',
      list: [1, null, 'x'],
      none: null,
    };
    expect(JSON.parse(jsonDocument(document))).toEqual(document);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 9e15])('has null for %s, which is no instant', (atMs) => {
    expect(JSON.parse(jsonDocument({ atMs }))).toEqual({ at: null });
  });
});
