import { describe, expect, it } from 'vitest';
import { EvidenceChangedError } from '../../src/app/report/read-report.ts';
import { explainError } from '../../src/cli/explain-error.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { GraphError } from '../../src/domain/graph-error.ts';
import { SettingsError } from '../../src/domain/settings-error.ts';
import { StorageError } from '../../src/domain/storage-error.ts';
import { LocalHostError } from '../../src/local/local-host-error.ts';
import { scrub } from '../../src/system/scrub.ts';

const settings = new SettingsError([
  { name: 'TENANT_ID', rule: 'must be a GUID', given: '"x"' },
  { name: 'ROTATION_MODE', rule: 'must be live', given: '"on"' },
]);

describe('an error', () => {
  it.each([
    ['usage', new UsageError('no such run'), 2, 'no such run'],
    ['settings', settings, 2, 'ROTATION_MODE must be live; given: "on"'],
    ['Graph', new GraphError('forbidden', 'the role X is missing'), 1, 'the role X is missing'],
    ['an outage of Graph', new GraphError('unavailable', 'Graph is down'), 1, 'run the command again'],
    ['changed evidence', new EvidenceChangedError('evidence-1.csv is missing'), 1, 'evidence-1.csv is missing.'],
    ['storage', new StorageError('unreachable', 'is Azurite running?'), 1, 'is Azurite running?'],
    ['a wrong host.json', new LocalHostError('hostJson', 'host.json is wrong'), 2, 'host.json is wrong'],
    ['functions that do not load', new LocalHostError('functions', 'no function'), 1, 'no function'],
    ['anything else', new RangeError('out of range'), 1, 'RangeError: out of range'],
    ['something that is no error', 'a text', 1, 'string: a text'],
  ])('of %s is explained in its own words, with its exit code and without a stack', (_what, error, exitCode, words) => {
    const explained = explainError(error, 'message', scrub);
    expect(explained.exitCode).toBe(exitCode);
    expect(explained.lines.join('\n')).toContain(words);
    expect(explained.lines.join('\n')).not.toMatch(/^ +at /m);
  });

  it('lists every problem of the settings', () => {
    const text = explainError(settings, 'message', scrub).lines.join('\n');
    expect(text).toContain('TENANT_ID');
    expect(text).toContain('2 settings are wrong');
  });

  it('names the request for support', () => {
    const error = new GraphError('malformed', 'malformed at value[3]', { requestId: 'r-1', clientRequestId: 'c-1' });
    expect(explainError(error, 'message', scrub).lines.at(-1)).toBe(
      'For Microsoft support: request r-1, client request c-1',
    );
  });

  it('shows where it came from only when asked to', () => {
    const error = new TypeError('x is undefined');
    expect(explainError(error, 'full', scrub).lines.join('\n')).toMatch(/^ +at /m);
    expect(explainError(error, 'message', scrub).lines.at(-1)).toContain('LOG_LEVEL=debug');
  });

  it('that is not ours never shows a secret', () => {
    const password = '123456-234567-345678-456789-567890-678901-789012-890123';
    const error = new SyntaxError(`Unexpected token in {"key":"${password}"}`);
    const text = explainError(error, 'full', scrub).lines.join('\n');
    expect(text).not.toContain(password);
    expect(text).toContain('[redacted]');
  });
});
