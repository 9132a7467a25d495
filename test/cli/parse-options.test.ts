import { describe, expect, it } from 'vitest';
import { deviceId, managedDeviceIds, positiveNumber, runId, wholeNumber } from '../../src/cli/parse-options.ts';

const GUID = 'AAAAAAAA-0000-4000-8000-000000000001';

describe('option values', () => {
  it.each([
    ['0', 0],
    ['17', 17],
    ['100', 100],
  ])('%s is a whole number up to 100', (text, expected) => {
    expect(wholeNumber(0, 100)(text)).toBe(expected);
  });

  it.each(['', '-1', '1.5', '101', '1e1', 'ten', ' 5'])('%j is none', (text) => {
    expect(() => wholeNumber(0, 100)(text)).toThrow('whole number from 0 to 100');
  });

  it.each(['0', '-1', '', 'fast', 'Infinity', '21'])('%j is no speed up to 20', (text) => {
    expect(() => positiveNumber(20)(text)).toThrow('above 0, up to 20');
  });

  it('a speed may be a fraction', () => {
    expect(positiveNumber(20)('0.5')).toBe(0.5);
  });

  it('device ids are collected in lower case, each once', () => {
    const once = managedDeviceIds(GUID);
    expect(managedDeviceIds(GUID.toLowerCase(), once)).toEqual([GUID.toLowerCase()]);
  });

  it.each(['LT-FRA-00001', '', `${GUID}0`])('%j is no device id', (text) => {
    expect(() => managedDeviceIds(text)).toThrow('a GUID');
    expect(() => deviceId(text)).toThrow('a GUID');
  });

  it('a run id has letters, digits and hyphens', () => {
    expect(runId('20261122-020000-1a2b3c4d')).toBe('20261122-020000-1a2b3c4d');
    expect(() => runId('a/b')).toThrow('letters, digits and hyphens');
  });
});
