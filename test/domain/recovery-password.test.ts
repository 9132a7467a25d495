import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEscrowInstant, parseEscrowVolume } from '../../src/domain/escrow.ts';
import {
  parseRecoveryPassword,
  type RecoveryPassword,
  revealRecoveryPassword,
} from '../../src/domain/recovery-password.ts';

const DIGITS = '482515-135795-597531-366663-673574-108636-299002-345565';

function passwordOf(text: string): RecoveryPassword {
  const { password, problem } = parseRecoveryPassword(text);
  if (password === undefined) throw new Error(problem);
  return password;
}

/** Eight groups, each a 16-bit value times eleven. */
const groups = fc.array(
  fc.integer({ min: 0, max: 65_535 }).map((value) => String(value * 11).padStart(6, '0')),
  { minLength: 8, maxLength: 8 },
);

describe('a recovery password', () => {
  it('is eight groups of six digits, each divisible by 11 and below 720,896, however they are held together', () => {
    const separators = fc.constantFrom('-', ' ', ' - ', '\t', '  ');
    const around = fc.constantFrom('', ' ', '\n', '\r\n');
    fc.assert(
      fc.property(groups, separators, around, (parts, separator, blank) => {
        expect(revealRecoveryPassword(passwordOf(`${blank}${parts.join(separator)}${blank}`))).toBe(parts.join('-'));
      }),
    );
  });

  it.each([
    ['', 'is missing'],
    ['  \n', 'is missing'],
    ['482515135795597531366663673574108636299002345565', 'came as 1 group'],
    ['482515-135795', 'came as 2 groups'],
    [`${DIGITS}-000011`, 'came as 9 groups'],
    ['482515-135795-597532-366663-673574-108636-299002-345565', 'group 3 is not divisible by 11'],
    ['482515-135795-597531-366663-673574-108636-299002-720896', 'group 8 is not below 720,896'],
    ['482515-13579-597531-366663-673574-108636-299002-345565', 'group 2 is not six digits'],
    ['482515-13579x-597531-366663-673574-108636-299002-345565', 'group 2 is not six digits'],
    ['٤٨٢٥١٥-135795-597531-366663-673574-108636-299002-345565', 'group 1 is not six digits'],
    [
      '482516-135795-597531-366663-67357-108636-299002-999999',
      'group 1 is not divisible by 11, group 5 is not six digits, group 8 is not below 720,896',
    ],
  ])('is not %j', (text, problem) => {
    expect(parseRecoveryPassword(text).problem).toContain(problem);
  });

  it('has 720,885 as its largest group', () => {
    expect(passwordOf(Array(8).fill('720885').join('-'))).toBeDefined();
    expect(parseRecoveryPassword(Array(8).fill('720896').join('-')).problem).toContain('group 1 is not below 720,896');
  });

  it('is never quoted by a problem, not even in part', () => {
    fc.assert(
      fc.property(groups, fc.nat(7), fc.integer({ min: 1, max: 10 }), (parts, at, more) => {
        const wrong = parts.with(at, String(Number(parts[at]) + more).padStart(6, '0'));
        const { problem = '' } = parseRecoveryPassword(wrong.join('-'));
        expect(problem).toContain(`group ${at + 1} is not`);
        for (const group of wrong) expect(problem.replace('720,896', '')).not.toContain(group);
        expect(problem).not.toMatch(/\d{4}/);
      }),
    );
  });

  const password = passwordOf(DIGITS);
  it.each<[string, () => unknown]>([
    ['String()', () => String(password)],
    ['a template', () => `${password}`],
    ['joining', () => [password, password].join()],
    ['toString', () => password.toString()],
    ['toLocaleString', () => password.toLocaleString()],
    ['valueOf', () => password.valueOf()],
    ['a number', () => Number(password)],
    ['Object.prototype.toString', () => Object.prototype.toString.call(password)],
    ['JSON', () => JSON.stringify({ password, list: [password] })],
    ['inspect', () => inspect(password, { showHidden: true, depth: 10, getters: true })],
    ['inspect without customs', () => inspect(password, { showHidden: true, depth: 10, customInspect: false })],
    ['inspect inside', () => inspect({ a: { b: [password] }, map: new Map([[password, password]]) }, { depth: 10 })],
    ['format', () => format('%s %o %O %j %d', password, password, password, password, password)],
    ['keys', () => [Reflect.ownKeys(password), Object.entries(password), Object.values(password)]],
    ['descriptors', () => inspect(Object.getOwnPropertyDescriptors(password))],
    ['symbols', () => Object.getOwnPropertySymbols(password)],
    ['for in', () => Object.keys({ ...password })],
    [
      'a copy',
      () => [inspect(structuredClone(password)), JSON.stringify({ ...password }), Object.assign({}, password)],
    ],
    ['an error', () => inspect(new Error(`bad ${password}`, { cause: password }), { showHidden: true })],
    ['an error with it', () => inspect(Object.assign(new Error('bad'), { password }), { showHidden: true })],
    ['its prototype', () => inspect(Object.getPrototypeOf(password), { showHidden: true })],
  ])('shows no digit to %s', (_name, show) => {
    const shown = [show()].flat().map((value) => `${String(value)} ${JSON.stringify(value)}`);
    for (const group of DIGITS.split('-')) expect(shown.join('\n')).not.toContain(group);
  });

  it('says what it is', () => {
    expect(`${password}`).toBe('[recovery password]');
    expect(inspect(password)).toBe('[recovery password]');
    expect(JSON.stringify([password])).toBe('["[recovery password]"]');
  });

  it('cannot be changed, and is not revealed by a copy or a look-alike', () => {
    expect(() => Object.assign(password, { toString: () => 'x' })).toThrow(TypeError);
    const copies = [structuredClone(password), Object.create(Object.getPrototypeOf(password)), { ...password }];
    for (const copy of copies) expect(() => revealRecoveryPassword(copy as RecoveryPassword)).toThrow(TypeError);
  });
});

describe('what goes with one', () => {
  it.each([
    ['operatingSystemVolume', 'operatingSystemVolume'],
    ['FIXEDDATAVOLUME', 'fixedDataVolume'],
    [' removableDataVolume ', 'removableDataVolume'],
    ['unknownFutureValue', undefined],
    ['1', undefined],
    ['', undefined],
  ])('reads the volume %j as %s', (text, volume) => {
    expect(parseEscrowVolume(text)).toBe(volume);
  });

  it.each([
    ['2026-11-22T20:15:00Z', Date.UTC(2026, 10, 22, 20, 15)],
    ['2026-11-22T20:15:00.1234567+02:00', Date.UTC(2026, 10, 22, 18, 15, 0, 123)],
    ['2026-11-22T20:15Z', Date.UTC(2026, 10, 22, 20, 15)],
    ['2026-11-22T20:15:00', undefined],
    ['2026-11-22', undefined],
    ['22.11.2026 20:15', undefined],
    ['2026-13-22T20:15:00Z', undefined],
    ['2026-02-29T20:15:00Z', undefined],
    ['2026-02-30T20:15:00Z', undefined],
    ['2026-04-31T20:15:00Z', undefined],
    ['2026-04-00T20:15:00Z', undefined],
    ['2024-02-29T20:15:00Z', Date.UTC(2024, 1, 29, 20, 15)],
    ['2026-11-22T24:00:00Z', undefined],
    ['2026-11-22T20:60:00Z', undefined],
    ['2026-11-22T20:15:00+24:00', undefined],
    [DIGITS, undefined],
  ])('reads the instant %j as %s', (text, atMs) => {
    expect(parseEscrowInstant(text)).toBe(atMs);
  });
});
