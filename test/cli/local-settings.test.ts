import { describe, expect, it } from 'vitest';
import { parseLocalSettings, withLocalSettings } from '../../src/cli/local-settings.ts';

describe('local.settings.json', () => {
  it('gives its Values', () => {
    expect(parseLocalSettings('{"IsEncrypted":false,"Values":{"TENANT_ID":"t"}}', 'f')).toEqual({ TENANT_ID: 't' });
  });

  it.each([
    ['is not JSON', '{"Values": {"AzureWebJobsStorage": "AccountKey=abc"', 'f must be JSON'],
    ['is encrypted', '{"IsEncrypted":true,"Values":{"A":"abc"}}', 'func settings decrypt'],
    ['has no Values', '{"IsEncrypted":false}', 'an object called Values'],
    ['is a list', '[]', 'an object called Values'],
    ['holds numbers', '{"Values":{"GRAPH_CONCURRENCY":32,"B":"abc"}}', 'not: GRAPH_CONCURRENCY'],
  ])('that %s is refused, without quoting it', (_what, text, words) => {
    expect(() => parseLocalSettings(text, 'f')).toThrow(words);
    expect(() => parseLocalSettings(text, 'f')).not.toThrow('abc');
  });

  it('may be missing', async () => {
    const environment = { TENANT_ID: 't' };
    expect(await withLocalSettings(environment, import.meta.dirname)).toBe(environment);
  });
});
