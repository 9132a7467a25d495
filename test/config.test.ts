import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSettings, parseWebhook, readEnvironment } from '../src/config.ts';
import { SETTINGS } from '../src/config-table.ts';
import { SettingsError } from '../src/domain/settings-error.ts';

const TENANT = '0f0e0d0c-1111-4222-8333-444455556666';
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const parse = (settings: Record<string, string | undefined>) => parseSettings({ TENANT_ID: TENANT, ...settings });

function problemsOf(environment: Record<string, string | undefined>): SettingsError {
  try {
    parseSettings(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error('the settings were accepted');
}

const refused = (settings: Record<string, string | undefined>) => problemsOf({ TENANT_ID: TENANT, ...settings });

describe('defaults', () => {
  it('are those of the contract when only the tenant is set', () => {
    expect(parseSettings({ TENANT_ID: TENANT })).toEqual({
      tenantId: TENANT,
      cloud: 'global',
      graphRoot: 'https://graph.microsoft.com',
      authorityHost: 'https://login.microsoftonline.com',
      schedule: '0 0 2 * * *',
      mode: 'dryRun',
      maxKeyAgeMs: 90 * DAY_MS,
      minKeyAgeMs: 7 * DAY_MS,
      seenWithinMs: 14 * DAY_MS,
      maxDevices: 10_000,
      exclude: [],
      canaryDevices: 20,
      canaryMinProven: 0.8,
      canaryWaitMs: DAY_MS,
      abortFailureRate: 0.2,
      timeBudgetMs: 8 * MINUTE_MS,
      confirmScheduleMs: [30 * MINUTE_MS, 2 * HOUR_MS, 8 * HOUR_MS, DAY_MS, 3 * DAY_MS, 6 * DAY_MS],
      budgets: {
        write: { limit: 200, windowMs: 20_000 },
        any: { limit: 2000, windowMs: 20_000 },
        key: { limit: 200, windowMs: 20_000 },
        stateWrite: { limit: 100, windowMs: 20_000 },
        stateAny: { limit: 1000, windowMs: 20_000 },
      },
      concurrency: 32,
      recordToGraph: false,
      logLevel: 'info',
    });
  });

  it('apply to empty and blank texts too', () => {
    const blank = Object.fromEntries(SETTINGS.map(({ name }, i) => [name, i % 2 === 0 ? '' : '  ']));
    expect(parse({ ...blank, TENANT_ID: TENANT })).toEqual(parse({}));
  });

  it('mean the same when they are spelled out', () => {
    const spelled = Object.fromEntries(
      SETTINGS.map((setting) => [setting.name, 'default' in setting ? setting.default : '']),
    );
    expect(parse({ ...spelled, TENANT_ID: TENANT })).toEqual(parse({}));
  });
});

describe('clouds', () => {
  it.each([
    ['global', 'https://graph.microsoft.com', 'https://login.microsoftonline.com'],
    ['usgov', 'https://graph.microsoft.us', 'https://login.microsoftonline.us'],
    ['usgovdod', 'https://dod-graph.microsoft.us', 'https://login.microsoftonline.us'],
    ['china', 'https://microsoftgraph.chinacloudapi.cn', 'https://login.chinacloudapi.cn'],
  ])('%s has its own Graph root and authority', (cloud, graphRoot, authorityHost) => {
    expect(parse({ GRAPH_CLOUD: cloud })).toMatchObject({ cloud, graphRoot, authorityHost });
  });

  it('keeps the authority of the cloud beside another endpoint', () => {
    expect(parse({ GRAPH_CLOUD: 'china', GRAPH_ENDPOINT: 'https://graph.example.cn' })).toMatchObject({
      graphRoot: 'https://graph.example.cn',
      authorityHost: 'https://login.chinacloudapi.cn',
    });
  });
});

describe('accepted values', () => {
  it.each([
    ['GRAPH_ENDPOINT', 'https://graph.example.com/', { graphRoot: 'https://graph.example.com' }],
    ['GRAPH_ENDPOINT', 'HTTPS://Graph.Example.com:8443', { graphRoot: 'https://graph.example.com:8443' }],
    ['GRAPH_ENDPOINT', 'http://127.0.0.1:4010', { graphRoot: 'http://127.0.0.1:4010' }],
    ['GRAPH_ENDPOINT', 'http://localhost:4010/', { graphRoot: 'http://localhost:4010' }],
    ['GRAPH_ENDPOINT', 'http://[::1]:4010', { graphRoot: 'http://[::1]:4010' }],
    ['AZURE_CLIENT_ID', TENANT.toUpperCase(), { clientId: TENANT }],
    ['ROTATION_SCHEDULE', '0 */30 1-5 * * MON-FRI', { schedule: '0 */30 1-5 * * MON-FRI' }],
    ['ROTATION_SCHEDULE', '0  0 2 1,15 * 0', { schedule: '0 0 2 1,15 * 0' }],
    ['ROTATION_SCHEDULE', '0 0 0 29 2 *', { schedule: '0 0 0 29 2 *' }],
    ['ROTATION_MODE', 'live', { mode: 'live' }],
    ['ROTATION_MODE', ' off ', { mode: 'off' }],
    ['ROTATION_MAX_KEY_AGE', 'P2W', { maxKeyAgeMs: 14 * DAY_MS }],
    ['ROTATION_MAX_KEY_AGE', 'P30DT12H', { maxKeyAgeMs: 30.5 * DAY_MS }],
    ['ROTATION_MIN_KEY_AGE', 'PT0.02S', { minKeyAgeMs: 20 }],
    ['ROTATION_SEEN_WITHIN', 'PT1M30S', { seenWithinMs: 90_000 }],
    ['ROTATION_MAX_DEVICES', '1', { maxDevices: 1 }],
    ['ROTATION_MAX_DEVICES', '9999999', { maxDevices: 9_999_999 }],
    ['ROTATION_EXCLUDE', ` ${TENANT.toUpperCase()}, KIOSK-*,,`, { exclude: [TENANT, 'KIOSK-*'] }],
    ['ROTATION_CANARY_DEVICES', '0', { canaryDevices: 0 }],
    ['ROTATION_CANARY_MIN_PROVEN', '0', { canaryMinProven: 0 }],
    ['ROTATION_CANARY_MIN_PROVEN', '1', { canaryMinProven: 1 }],
    ['ROTATION_CANARY_WAIT', 'P7D', { canaryWaitMs: 7 * DAY_MS }],
    ['ROTATION_ABORT_FAILURE_RATE', '1.0', { abortFailureRate: 1 }],
    ['ROTATION_ABORT_FAILURE_RATE', '0.05', { abortFailureRate: 0.05 }],
    ['ROTATION_TIME_BUDGET', 'PT9M30S', { timeBudgetMs: 570_000 }],
    ['CONFIRM_SCHEDULE', 'PT0.5S, P7D', { confirmScheduleMs: [500, 7 * DAY_MS] }],
    ['GRAPH_WRITE_BUDGET', '1/PT0.02S', { budgets: { write: { limit: 1, windowMs: 20 } } }],
    ['GRAPH_ANY_BUDGET', '5 / PT1M', { budgets: { any: { limit: 5, windowMs: 60_000 } } }],
    ['GRAPH_KEY_BUDGET', '7/PT1H', { budgets: { key: { limit: 7, windowMs: HOUR_MS } } }],
    ['GRAPH_STATE_WRITE_BUDGET', '8/PT1S', { budgets: { stateWrite: { limit: 8, windowMs: 1000 } } }],
    ['GRAPH_STATE_ANY_BUDGET', '9/PT1S', { budgets: { stateAny: { limit: 9, windowMs: 1000 } } }],
    ['GRAPH_CONCURRENCY', '1000', { concurrency: 1000 }],
    ['RECORD_TO_GRAPH', 'True', { recordToGraph: true }],
    ['LOG_LEVEL', 'debug', { logLevel: 'debug' }],
  ])('%s may be %j', (name, text, expected) => {
    expect(parse({ [name]: text })).toMatchObject(expected);
  });
});

describe('refused values', () => {
  it.each([
    ['TENANT_ID', 'contoso.onmicrosoft.com'],
    ['TENANT_ID', '00000000-0000-0000-0000-000000000000'],
    ['GRAPH_CLOUD', 'Global'],
    ['GRAPH_ENDPOINT', 'graph.microsoft.com'],
    ['GRAPH_ENDPOINT', 'http://graph.microsoft.com'],
    ['GRAPH_ENDPOINT', 'http://127.0.0.1.example.com'],
    ['GRAPH_ENDPOINT', 'https://graph.microsoft.com/v1.0'],
    ['GRAPH_ENDPOINT', 'https://graph.microsoft.com?a=b'],
    ['GRAPH_ENDPOINT', 'https://graph.microsoft.com#a'],
    ['GRAPH_ENDPOINT', 'https://user:secret@graph.microsoft.com'],
    ['GRAPH_ENDPOINT', 'https://graph.microsoft.com\\beta'],
    ['GRAPH_ENDPOINT', 'ftp://graph.microsoft.com'],
    ['GRAPH_ENDPOINT', 'https://'],
    ['AZURE_CLIENT_ID', 'my-identity'],
    ['ROTATION_SCHEDULE', '0 2 * * *'],
    ['ROTATION_SCHEDULE', '0 0 0 2 * * *'],
    ['ROTATION_SCHEDULE', '0 0 24 * * *'],
    ['ROTATION_SCHEDULE', '0 0 2 * * 7'],
    ['ROTATION_SCHEDULE', '0 0 2 * * 5-7'],
    ['ROTATION_SCHEDULE', '0 0 2 L * *'],
    ['ROTATION_SCHEDULE', '0 0 2 ? * *'],
    ['ROTATION_SCHEDULE', '0 0 2 * * MON#1'],
    ['ROTATION_SCHEDULE', '@daily'],
    ['ROTATION_SCHEDULE', '01:00:00'],
    ['ROTATION_SCHEDULE', '0 0 0 31 2 *'],
    ['ROTATION_MODE', 'dryrun'],
    ['ROTATION_MODE', 'on'],
    ['ROTATION_MAX_KEY_AGE', '90'],
    ['ROTATION_MAX_KEY_AGE', 'P3M'],
    ['ROTATION_MAX_KEY_AGE', 'P1Y'],
    ['ROTATION_MAX_KEY_AGE', 'P0Y90D'],
    ['ROTATION_MAX_KEY_AGE', '-P90D'],
    ['ROTATION_MAX_KEY_AGE', 'P-90D'],
    ['ROTATION_MAX_KEY_AGE', 'P'],
    ['ROTATION_MAX_KEY_AGE', 'P3651D'],
    ['ROTATION_MIN_KEY_AGE', 'P0D'],
    ['ROTATION_MIN_KEY_AGE', 'PT0.0001S'],
    ['ROTATION_SEEN_WITHIN', 'PT0S'],
    ['ROTATION_SEEN_WITHIN', 'two weeks'],
    ['ROTATION_MAX_DEVICES', '0'],
    ['ROTATION_MAX_DEVICES', '10000000'],
    ['ROTATION_MAX_DEVICES', '1e3'],
    ['ROTATION_MAX_DEVICES', '10 000'],
    ['ROTATION_EXCLUDE', 'KIOSK-{1,2}'],
    ['ROTATION_EXCLUDE', '!KIOSK-*'],
    ['ROTATION_EXCLUDE', 'KIOSK-[0-9'],
    ['ROTATION_CANARY_DEVICES', '-1'],
    ['ROTATION_CANARY_DEVICES', '2.5'],
    ['ROTATION_CANARY_MIN_PROVEN', '80%'],
    ['ROTATION_CANARY_MIN_PROVEN', '1.1'],
    ['ROTATION_CANARY_WAIT', 'PT0S'],
    ['ROTATION_CANARY_WAIT', 'P8D'],
    ['ROTATION_ABORT_FAILURE_RATE', '0'],
    ['ROTATION_ABORT_FAILURE_RATE', '0.0'],
    ['ROTATION_ABORT_FAILURE_RATE', '2'],
    ['ROTATION_TIME_BUDGET', 'PT10M'],
    ['CONFIRM_SCHEDULE', 'PT30M,,P1D'],
    ['CONFIRM_SCHEDULE', 'PT30M,P8D'],
    ['CONFIRM_SCHEDULE', ','],
    ['GRAPH_WRITE_BUDGET', '200'],
    ['GRAPH_WRITE_BUDGET', '0/PT20S'],
    ['GRAPH_ANY_BUDGET', '2000/20'],
    ['GRAPH_KEY_BUDGET', '200/PT0S'],
    ['GRAPH_STATE_WRITE_BUDGET', '100/PT2H'],
    ['GRAPH_STATE_ANY_BUDGET', '1000/PT20S/PT20S'],
    ['GRAPH_CONCURRENCY', '0'],
    ['GRAPH_CONCURRENCY', '1001'],
    ['RECORD_TO_GRAPH', 'yes'],
    ['NOTIFY_FORMAT', 'slack'],
    ['LOG_LEVEL', 'verbose'],
  ])('%s must not be %j', (name, text) => {
    expect(refused({ [name]: text }).problems.map((problem) => problem.name)).toEqual([name]);
  });

  it('asks for the tenant when it is not set', () => {
    expect(problemsOf({}).message).toBe(
      '1 setting is wrong:\n- TENANT_ID must be your Entra tenant id, a GUID; given: nothing',
    );
  });

  it('shows the value as it was given', () => {
    const [problem] = refused({ ROTATION_MODE: 'Live' }).problems;
    expect(problem).toEqual({ name: 'ROTATION_MODE', rule: 'must be one of dryRun, live, off', given: '"Live"' });
  });

  it('shows neither a password in a URL nor more than one line of a value', () => {
    const { message } = refused({ GRAPH_ENDPOINT: 'https://user:hunter2@graph.microsoft.com', LOG_LEVEL: 'a\nb' });
    expect(message).not.toContain('hunter2');
    expect(message.split('\n')).toHaveLength(3);
  });
});

describe('settings that cannot work together', () => {
  it('refuses a minimum key age that leaves nothing to rotate', () => {
    const [problem] = refused({ ROTATION_MAX_KEY_AGE: 'P7D' }).problems;
    expect(problem?.name).toBe('ROTATION_MIN_KEY_AGE');
    expect(problem?.rule).toContain('shorter than ROTATION_MAX_KEY_AGE (P7D)');
    expect(problem?.given).toBe('"P7D", the default');
  });

  it('refuses to judge the canary before its first look', () => {
    const [problem] = refused({ ROTATION_CANARY_WAIT: 'PT29M' }).problems;
    expect(problem?.name).toBe('ROTATION_CANARY_WAIT');
    expect(problem?.rule).toContain('CONFIRM_SCHEDULE (PT30M,PT2H,PT8H,P1D,P3D,P6D)');
  });

  it('allows any wait when there is no canary, and one that just holds the first look', () => {
    expect(parse({ ROTATION_CANARY_WAIT: 'PT1S', ROTATION_CANARY_DEVICES: '0' }).canaryWaitMs).toBe(1000);
    expect(parse({ ROTATION_CANARY_WAIT: 'PT30M' }).canaryWaitMs).toBe(30 * MINUTE_MS);
  });

  it("refuses another cloud's Graph, whose tokens come from elsewhere", () => {
    expect(refused({ GRAPH_CLOUD: 'usgov', GRAPH_ENDPOINT: 'https://dod-graph.microsoft.us/' }).problems[0]?.name).toBe(
      'GRAPH_ENDPOINT',
    );
    expect(parse({ GRAPH_CLOUD: 'usgov', GRAPH_ENDPOINT: 'https://graph.microsoft.us' }).cloud).toBe('usgov');
  });

  it('says nothing about a pair while one of the two is wrong by itself', () => {
    expect(refused({ ROTATION_MAX_KEY_AGE: 'soon', ROTATION_MIN_KEY_AGE: 'P900D' }).problems).toHaveLength(1);
  });
});

describe('the webhook', () => {
  const webhook = (url: string, format = '') => parseWebhook({ NOTIFY_WEBHOOK: url, NOTIFY_FORMAT: format });

  it.each([
    ['https://prod-1.westeurope.logic.azure.com/workflows/a?sig=b%2Fc&sv=1.0', undefined],
    ['https://hooks.contoso.com', 'https://hooks.contoso.com/'],
    ['https://127.0.0.1:8443/hook', undefined],
  ])('may be %s', (url, expected = url) => {
    expect(parse({ NOTIFY_WEBHOOK: url })).toEqual(parse({}));
    expect(webhook(url)).toEqual({ url: expected, format: 'json' });
    expect(webhook(` ${url} `, 'teams')).toEqual({ url: expected, format: 'teams' });
  });

  it.each([
    ['http://hooks.contoso.com/SECRET'],
    ['http://127.0.0.1:8080/SECRET'],
    ['http://localhost/SECRET'],
    ['http://[::1]:9/SECRET'],
    ['https://user:SECRET@hooks.contoso.com/'],
    ['https://hooks.contoso.com/#SECRET'],
    ['https://hooks.contoso.com/ SECRET'],
    ['file:///SECRET'],
    ['SECRET'],
  ])('must not be %s, and is not shown', (url) => {
    const error = refused({ NOTIFY_WEBHOOK: url });
    expect(error.problems).toMatchObject([{ name: 'NOTIFY_WEBHOOK', given: 'not shown' }]);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('SECRET');
  });

  it('is not shown under a name that is misspelt either', () => {
    const error = refused({ NOTIFY_WEBHOOKS: 'https://x/SECRET' });
    expect(error.problems).toMatchObject([{ name: 'NOTIFY_WEBHOOKS', given: 'not shown' }]);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('SECRET');
    expect(parse({ NOTIFY_SOCKET: '/run/systemd/notify' })).toEqual(parse({}));
  });

  it('is not shown when it is given as the format', () => {
    const error = refused({ NOTIFY_FORMAT: 'https://x/SECRET' });
    expect(error.problems).toEqual([{ name: 'NOTIFY_FORMAT', rule: 'must be one of json, teams', given: 'not shown' }]);
  });

  it('is no part of the settings', () => {
    expect(JSON.stringify(parse({ NOTIFY_WEBHOOK: 'https://x.y/SECRET' }))).not.toContain('SECRET');
    expect(webhook('')).toBeUndefined();
  });
});

describe('all problems at once', () => {
  it('names every wrong setting, one per line, in the order of the table', () => {
    const wrong = Object.fromEntries(SETTINGS.map(({ name }) => [name, '{?}']));
    const error = problemsOf(wrong);
    expect(error.problems.map(({ name }) => name)).toEqual(SETTINGS.map(({ name }) => name));
    const [headline, ...lines] = error.message.split('\n');
    expect(headline).toBe(`${SETTINGS.length} settings are wrong:`);
    expect(lines.map((line) => line.split(' ')[1])).toEqual(SETTINGS.map(({ name }) => name));
    const secrets: readonly string[] = SETTINGS.filter((setting) => 'isSecret' in setting).map(({ name }) => name);
    for (const line of lines)
      expect(line.endsWith(secrets.includes(line.split(' ')[1] ?? '') ? '; given: not shown' : '; given: "{?}"')).toBe(
        true,
      );
  });
});

const fragments = [
  'P',
  'T',
  '1',
  '0',
  '-',
  '.',
  ',',
  '/',
  '*',
  '?',
  '[',
  ']',
  ' ',
  'D',
  'S',
  'true',
  'http://',
  '127.0.0.1',
];
const garbage = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...fragments), maxLength: 12 }));

describe('laws', () => {
  it('any environment either parses or throws SettingsError with one line per problem', () => {
    const environment = fc.record(Object.fromEntries(SETTINGS.map(({ name }) => [name, garbage])), {
      requiredKeys: [],
    });
    fc.assert(
      fc.property(environment, fc.boolean(), (settings, withTenant) => {
        try {
          parseSettings(withTenant ? { ...settings, TENANT_ID: TENANT } : settings);
        } catch (error) {
          if (!(error instanceof SettingsError)) throw error;
          expect(error.problems.length).toBeGreaterThan(0);
          expect(error.message.split('\n')).toHaveLength(error.problems.length + 1);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a garbled value of one setting is accepted, or named, or clashes with the one it must go with', () => {
    const clashes: Readonly<Record<string, string>> = {
      ROTATION_MAX_KEY_AGE: 'ROTATION_MIN_KEY_AGE',
      CONFIRM_SCHEDULE: 'ROTATION_CANARY_WAIT',
    };
    fc.assert(
      fc.property(fc.constantFrom(...SETTINGS.slice(1)), garbage, ({ name }, text) => {
        try {
          parse({ [name]: text });
        } catch (error) {
          if (!(error instanceof SettingsError)) throw error;
          expect([name, clashes[name]]).toContain(error.problems[0]?.name);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a name that no setting has', () => {
  it.each(['ROTATION_MODES', 'ROTATION_MAX_DEVICE', 'CONFIRM_SCHEDULES', 'RECORD_TO_GRAPHS', 'GRAPH_WRITES_BUDGET'])(
    'is a problem when it can only be meant for Keyturn: %s',
    (name) => {
      expect(() => parse({ [name]: 'off' })).toThrow(
        `- ${name} is no setting of Keyturn: check its spelling; given: "off"`,
      );
    },
  );

  it.each(['GRAPH_TOKEN', 'LOG_LEVELS', 'PATH', 'ROTATION'])("is nobody's business otherwise: %s", (name) => {
    expect(() => parse({ [name]: 'x' })).not.toThrow();
  });

  it('is no problem while it is empty', () => {
    expect(() => parse({ ROTATION_MODES: ' ' })).not.toThrow();
  });
});

describe('readEnvironment', () => {
  it('is a copy: changing it changes nothing', () => {
    const environment: Record<string, string | undefined> = readEnvironment();
    expect(environment.PATH).toBeTypeOf('string');
    environment.KEYTURN_TEST_ONLY = 'x';
    expect(readEnvironment().KEYTURN_TEST_ONLY).toBeUndefined();
  });
});
