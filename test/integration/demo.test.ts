import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/app/report-run.ts';
import type { DemoResult } from '../../src/cli/demo/demo-result.ts';
import { runCli } from '../cli/cli-process.ts';

interface DemoDocument {
  readonly result: DemoResult;
  readonly report: RunReport;
  readonly logFile: string;
}

describe('the demo', () => {
  it('rotates a mixed fleet with the real functions, and agrees with what every simulated device did', async () => {
    // Somebody's real settings must not get in.
    const foreign = {
      ROTATION_MODE: 'off',
      TENANT_ID: 'not-a-guid',
      AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    };
    const { code, stdout, stderr } = await runCli(['demo', '--devices', '300', '--seed', '5', '--json'], foreign);
    expect(stderr).toContain('Canary: ');
    const { result, report, logFile } = JSON.parse(stdout) as DemoDocument;
    expect(result).toMatchObject({ agrees: true, problems: [], throttled: 0, violations: 0 });
    expect(code).toBe(0);
    expect(report.state).toBe('completed');
    expect(Object.values(report.counts).reduce((sum, n) => sum + n, 0)).toBe(result.devices);
    expect(result.proven).toBe(result.rotatedByDevices);
    expect(result.proven).toBeGreaterThan(150);

    const reported = new Set(result.notProven.map(({ reported, truth }) => `${reported}: ${truth}`));
    expect([...reported].join('\n')).toContain('overdue: switched off since');
    expect([...reported].join('\n')).toContain('overdue: rotation policy missing');
    expect([...reported].join('\n')).toContain('failed: the device reports an error');
    expect([...reported].join('\n')).toContain('skipped: keyLimitReached: holds 200 keys');
    expect(result.notProven.every(({ names }) => names.length > 0)).toBe(true);

    const log = await readFile(logFile, 'utf8');
    expect(log).toContain('run completed');
    expect(log).not.toContain('Failed');
  });
});
