import { describe, expect, it } from 'vitest';
import { retryAfterMsOf } from '../../src/graph/retry-after.ts';
import { START_MS } from './fakes.ts';

const date = (offsetMs: number) => new Date(START_MS + offsetMs).toUTCString();

describe('retryAfterMsOf', () => {
  const of = (headers: Record<string, string>, body: unknown = undefined) =>
    retryAfterMsOf({ header: (name) => headers[name], body, nowMs: START_MS });
  const nested = (inner: unknown) => ({ error: { code: 'x', message: JSON.stringify(inner) } });

  it('is undefined when nothing asks to wait', () => {
    expect(of({}, { error: { code: 'TooManyRequests', message: 'slow down' } })).toBeUndefined();
  });

  it("counts a date from the answer's own Date, whatever our clock says", () => {
    expect(of({ date: date(3_600_000), 'retry-after': date(3_610_000) })).toBe(10_000);
  });

  it.each([
    ['in the JSON inside error.message', nested({ RetryAfter: 12 }), 12_000],
    ['as a fraction in text', nested({ RetryAfter: '2.128' }), 2128],
    ['twice nested', nested({ Message: JSON.stringify({ Message: 'x', RetryAfter: 30 }) }), 30_000],
    ['twice nested, in a whole envelope', nested(nested({ retryAfter: 31 })), 31_000],
    ['behind a few words', { error: { message: 'Too many requests - {"RetryAfter":"8"}' } }, 8000],
    ['null', nested({ RetryAfter: null }), undefined],
    ['in broken JSON', { error: { message: '{"RetryAfter":5' } }, undefined],
    ['somewhere else', { RetryBefore: 5, error: { other: { RetryAfter: 5 } } }, undefined],
  ])('finds RetryAfter %s', (_name, body, expected) => {
    expect(of({}, body)).toBe(expected);
    expect(of({}, JSON.stringify(body))).toBe(expected);
  });

  it('takes the longer of header and body, since both are floors', () => {
    expect(of({ 'retry-after': '5' }, nested({ RetryAfter: 9 }))).toBe(9000);
    expect(of({ 'retry-after': '12' }, nested({ RetryAfter: 9 }))).toBe(12_000);
  });

  it('ends on bodies nested without end', () => {
    let body: unknown = { RetryAfter: 5 };
    for (let i = 0; i < 12; i++) body = { message: JSON.stringify(body) };
    expect(of({}, body)).toBeUndefined();
  });
});
