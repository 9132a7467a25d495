import { describe, expect, it } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { runCli } from '../cli/cli-process.ts';

const TENANT = '11111111-2222-4333-8444-555555555555';
/** Port 9 is discard: nobody listens. */
const NO_STORAGE =
  'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=Zm9v;BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a;TableEndpoint=http://127.0.0.1:9/a;';

describe('the command line', () => {
  it.each([
    [[], 'Usage: keyturn [options] [command]'],
    [['demo'], 'Usage: keyturn demo'],
    [['plan'], 'Usage: keyturn plan'],
    [['run'], 'Usage: keyturn run'],
    [['request'], 'Usage: keyturn request'],
    [['status'], 'Usage: keyturn status'],
    [['verify'], 'Usage: keyturn verify'],
    [['requeue'], 'Usage: keyturn requeue'],
    [['host'], 'Usage: keyturn host'],
    [['simulate'], 'Usage: keyturn simulate'],
  ])('explains itself with %j --help, and offers --json on every command', async (args, usage) => {
    const { code, stdout, stderr } = await runCli([...args, '--help']);
    expect(stdout).toContain(usage);
    if (args.length > 0) expect(stdout).toContain('--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('tells its version', async () => {
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it.each([
    [[], 'Usage: keyturn'],
    [['rotate'], "unknown command 'rotate'"],
    [['run', '--force'], "unknown option '--force'"],
    [['run', '--device', 'LT-FRA-00001'], "'LT-FRA-00001' is invalid. It must be an Intune managed device id, a GUID."],
    [['status', 'a/b'], "'a/b' is invalid"],
    [['status', '--device', 'x'], 'a GUID'],
    [['status', '--last', '0'], 'whole number from 1'],
    [['status', 'run-1', '--last', '5'], '--last is for the list of runs'],
    [['fleet', '--html', 'x', '--csv', './x'], '--html and --csv name the same file'],
    [['report', 'run-1', '--html', './x', '--csv', 'x'], '--html and --csv name the same file'],
    [['demo', '--devices', '0'], 'whole number from 1'],
    [['demo', '--speed', 'fast'], 'above 0'],
    [['simulate', '--port', '70000'], 'whole number from 0 to 65535'],
    [['plan', 'everything'], 'too many arguments'],
  ])('ends %j with exit code 2, says why and prints no result', async (args, words) => {
    const { code, stdout, stderr } = await runCli(args);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/^ +at /m);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.each([['plan'], ['run'], ['request'], ['status'], ['host']])(
    'lists every wrong setting before %s does anything',
    async (command) => {
      const { code, stdout, stderr } = await runCli([command], { TENANT_ID: 'contoso', ROTATION_MODE: 'on' });
      for (const name of ['TENANT_ID', 'ROTATION_MODE', 'AzureWebJobsStorage'])
        expect(stderr).toContain(`- ${name} must be`);
      expect(stderr).not.toMatch(/^ +at /m);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    },
  );

  it('says what to do when the storage cannot be reached', async () => {
    const settings = { TENANT_ID: TENANT, AzureWebJobsStorage: NO_STORAGE };
    const { code, stderr } = await runCli(['status', '--json'], settings);
    expect(stderr).toContain('127.0.0.1:9');
    expect(stderr).toContain('cannot be reached');
    expect(stderr).not.toMatch(/^ +at /m);
    expect(stderr).not.toContain('Zm9v');
    expect(code).toBe(1);
  });
});
