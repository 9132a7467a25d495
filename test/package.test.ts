import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSettings } from '../src/config.ts';
import { SETTINGS } from '../src/config-table.ts';
import { VERSION } from '../src/version.ts';

const ROOT = path.join(import.meta.dirname, '..');
const read = (file: string) => readFile(path.join(ROOT, file), 'utf8');
const readJson = async (file: string): Promise<unknown> => JSON.parse(await read(file));

/** Milliseconds of `hh:mm:ss`. */
function timeSpanMs(text: string): number {
  const [hours, minutes, seconds] = text.split(':').map(Number) as [number, number, number];
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

interface Manifest {
  readonly type: string;
  readonly main: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly version?: string;
        readonly hasInstallScript?: boolean;
        readonly optionalDependencies?: Readonly<Record<string, string>>;
      }
    >
  >;
}

describe('package.json', () => {
  it('is an ES module whose main and bin are what the build makes', async () => {
    const manifest = (await readJson('package.json')) as Manifest;
    const build = (await readJson('tsconfig.build.json')) as { compilerOptions: { rootDir: string; outDir: string } };
    expect(build.compilerOptions).toMatchObject({ rootDir: '.', outDir: 'dist' });
    expect(manifest).toMatchObject({
      type: 'module',
      main: 'dist/functions/*.js',
      bin: { keyturn: 'dist/src/cli/main.js' },
    });
  });

  it('has the version the code reports', async () => {
    expect((await readJson('package.json')) as Manifest).toHaveProperty('version', VERSION);
  });

  it('builds before it starts or tests, and starts the demo', async () => {
    const { scripts } = (await readJson('package.json')) as Manifest;
    expect(scripts).toMatchObject({ prestart: 'npm run build', pretest: 'npm run build', test: 'vitest run' });
    expect(scripts.start).toBe('node dist/src/cli/main.js demo');
  });

  it('brings the Node it runs on, the one .nvmrc names', async () => {
    const manifest = (await readJson('package.json')) as Manifest;
    const lock = (await readJson('package-lock.json')) as Lock;
    const major = (await read('.nvmrc')).trim();
    expect(manifest.devDependencies.node).toMatch(new RegExp(`^\\^${major}\\.`));
    expect(lock.packages['node_modules/node']?.version).toMatch(new RegExp(`^${major}\\.`));
    expect(process.versions.node).toMatch(new RegExp(`^${major}\\.`));
  });

  it('decides on the install script of every package that has one', async () => {
    const { allowScripts } = (await readJson('package.json')) as Manifest;
    const { packages } = (await readJson('package-lock.json')) as Lock;
    const withScripts = Object.entries(packages).filter(([, entry]) => entry.hasInstallScript === true);
    expect(withScripts.map(([name]) => name.replace(/^.*node_modules\//, '')).sort()).toEqual(
      Object.keys(allowScripts).sort(),
    );
    expect(Object.entries(allowScripts).filter(([, allowed]) => allowed)).toEqual([['node', true]]);
  });

  it('locks the packages of every platform, since `npm ci` refuses a lock that leaves one out', async () => {
    const { packages } = (await readJson('package-lock.json')) as Lock;
    const locked = new Set(Object.keys(packages).map((name) => name.replace(/^.*node_modules\//, '')));
    const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    expect(wanted.filter((name) => !locked.has(name))).toEqual([]);
  });
});

interface HostJson {
  readonly functionTimeout: string;
  readonly extensions: {
    readonly queues: {
      readonly batchSize: number;
      readonly newBatchThreshold: number;
      readonly maxPollingInterval: string;
      readonly visibilityTimeout: string;
      readonly maxDequeueCount: number;
    };
  };
  readonly logging: { readonly logLevel: Readonly<Record<string, string>> };
}

describe('host.json', () => {
  it('is of version 2.0 with the extension bundle 4 and plain messages', async () => {
    expect(await readJson('host.json')).toMatchObject({
      version: '2.0',
      extensionBundle: { id: 'Microsoft.Azure.Functions.ExtensionBundle', version: '[4.*, 5.0.0)' },
      extensions: { queues: { messageEncoding: 'none', maxPollingInterval: '00:00:02' } },
    });
  });

  it('takes few enough messages at once for one instance', async () => {
    const { queues } = ((await readJson('host.json')) as HostJson).extensions;
    expect(queues.batchSize).toBeGreaterThanOrEqual(1);
    expect(queues.batchSize).toBeLessThanOrEqual(32);
    expect(queues.newBatchThreshold).toBeLessThan(queues.batchSize);
    // Slices that settle at once need a key read for each of their 100 devices: at 200 in 20 s, within the time budget of 8 minutes.
    expect(queues.batchSize + queues.newBatchThreshold).toBeLessThanOrEqual((8 * 60 * 200) / 20 / 100);
    // Requests of one device each, sent in a rush, must not wait for each other longer than for the quota.
    expect(queues.batchSize + queues.newBatchThreshold).toBeGreaterThanOrEqual(40);
  });

  it('outlasts half an hour of outage before a message is poison', async () => {
    const { visibilityTimeout, maxDequeueCount } = ((await readJson('host.json')) as HostJson).extensions.queues;
    expect(timeSpanMs(visibilityTimeout)).toBeGreaterThanOrEqual(60_000);
    expect(timeSpanMs(visibilityTimeout) * (maxDequeueCount - 1)).toBeGreaterThanOrEqual(30 * 60_000);
  });

  it('leaves time to hand over after the longest time budget, within what the Consumption plan allows', async () => {
    const timeoutMs = timeSpanMs(((await readJson('host.json')) as HostJson).functionTimeout);
    const environment = { TENANT_ID: '0f0e0d0c-1111-4222-8333-444455556666' };
    expect(timeoutMs).toBeLessThanOrEqual(10 * 60_000);
    expect(parseSettings(environment).timeBudgetMs).toBeLessThanOrEqual(timeoutMs - 60_000);
    const longest = parseSettings({ ...environment, ROTATION_TIME_BUDGET: 'PT9M30S' }).timeBudgetMs;
    expect(longest).toBeLessThan(timeoutMs);
    expect(() => parseSettings({ ...environment, ROTATION_TIME_BUDGET: 'PT10M' })).toThrow('ROTATION_TIME_BUDGET');
  });

  it('lets LOG_LEVEL decide what a function logs', async () => {
    const { logging } = (await readJson('host.json')) as HostJson;
    expect(logging.logLevel.Function).toBe('Debug');
  });
});

describe('local.settings.json.example', () => {
  it('holds every setting of the table, in its order, with its default', async () => {
    const { Values } = (await readJson('local.settings.json.example')) as { Values: Record<string, string> };
    const { AzureWebJobsStorage, FUNCTIONS_WORKER_RUNTIME, ...settings } = Values;
    expect(AzureWebJobsStorage).toBe('UseDevelopmentStorage=true');
    expect(FUNCTIONS_WORKER_RUNTIME).toBe('node');
    const table = SETTINGS.map((setting) => [setting.name, 'default' in setting ? setting.default : '']);
    expect(Object.entries(settings)).toEqual(table);
  });

  it('lacks nothing but the tenant', async () => {
    const { Values } = (await readJson('local.settings.json.example')) as { Values: Record<string, string> };
    expect(() => parseSettings(Values)).toThrow(/^1 setting is wrong:\n- TENANT_ID/);
  });
});

describe('.funcignore', () => {
  it('leaves sources, tests and documents out of a deployment, and the compiled functions in', async () => {
    const patterns = (await read('.funcignore')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    for (const folder of ['src', 'functions', 'test', 'bench', 'docs', 'infra'])
      expect(patterns).toContain(`/${folder}`);
    for (const pattern of ['local.settings.json', '.ci', '.git*']) expect(patterns).toContain(pattern);
    const deployed = /^\/?(dist(\/(src|functions))?|node_modules|host\.json|package(-lock)?\.json|src|functions)\/?$/;
    const unanchored = patterns.filter((pattern) => deployed.test(pattern) && !/^\/(src|functions)$/.test(pattern));
    expect(unanchored).toEqual([]);
  });
});

describe('the closing line of .ci/run', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'keyturn-tally-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function tally(report: object | undefined, failedSteps: readonly string[]) {
    const file = path.join(folder, 'vitest.json');
    if (report !== undefined) await writeFile(file, JSON.stringify(report));
    const args = [path.join(ROOT, '.ci/tally.mjs'), file, ...failedSteps];
    return new Promise<{ code: number; line: string; faults: string }>((resolve) => {
      const child = execFile(process.execPath, args, (_error, line, faults) =>
        resolve({ code: child.exitCode ?? -1, line, faults }),
      );
    });
  }

  const green = { numPassedTests: 7, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, success: true };
  const broken = { status: 'failed', assertionResults: [] };

  it.each([
    ['all passed', { ...green, testResults: [] }, [], 0, '7 passed, 0 failed\n'],
    [
      'some failed',
      { ...green, numFailedTests: 2, success: false, testResults: [] },
      ['test'],
      1,
      '7 passed, 2 failed\n',
    ],
    ['a file did not load', { ...green, success: false, testResults: [broken] }, ['test'], 1, '7 passed, 1 failed\n'],
    ['a test was skipped', { ...green, numPendingTests: 1, testResults: [] }, [], 1, '7 passed, 0 failed\n'],
    ['a step failed', { ...green, testResults: [] }, ['lint'], 1, '7 passed, 0 failed\n'],
    ['an error escaped the tests', { ...green, success: false, testResults: [] }, [], 1, '7 passed, 0 failed\n'],
    ['no test ran', { ...green, numPassedTests: 0, testResults: [] }, [], 1, '0 passed, 0 failed\n'],
    ['there is no report', undefined, ['test'], 1, '0 passed, 0 failed\n'],
  ])('when %s', async (_what, report, failedSteps, code, line) => {
    const said = await tally(report, failedSteps);
    expect(said).toMatchObject({ code, line });
    for (const step of failedSteps) expect(said.faults).toContain(`npm run ${step} failed\n`);
  });
});
