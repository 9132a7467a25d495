import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorFields } from '../../src/domain/error-fields.ts';
import { GraphError } from '../../src/domain/graph-error.ts';
import { parseRunId, parseTenantId } from '../../src/domain/ids.ts';
import { LOG_FIELDS, type LogFields } from '../../src/domain/log-fields.ts';
import { MessageError } from '../../src/domain/messages.ts';
import { SettingsError } from '../../src/domain/settings-error.ts';
import { StorageError } from '../../src/domain/storage-error.ts';
import { createLogger } from '../../src/system/logger.ts';
import { SUMMARY_MESSAGE, summaryLine } from '../../src/system/summary-line.ts';
import { createMemorySink } from './memory-sink.ts';

const PASSWORD = '123453-222222-333333-444444-555555-666666-111111-000011';
const TOKEN = ['eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9', 'eyJhdWQiOiJncmFwaCJ9', 'c2lnbmF0dXJl-_aa'].join('.');
const RUN = parseRunId('run-1');

/** A logger on a fresh sink. */
function logging(level: 'debug' | 'info' | 'warn' | 'error' = 'debug', bindings: LogFields = {}) {
  const sink = createMemorySink();
  return { sink, logger: createLogger({ level, write: sink.write, bindings }) };
}

/** What code that ignores the types could pass. */
const smuggled = (fields: Record<string, unknown>): LogFields => fields as LogFields;

describe('a line', () => {
  it('is JSON with level, time, message, bindings and fields, and no more', () => {
    const { sink, logger } = logging('info', { runId: RUN });
    logger.info('block sent', { devices: 100, counts: { requested: 98, refused: 2 } });
    const [entry] = sink.entries();
    expect(entry).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      message: 'block sent',
      runId: RUN,
      devices: 100,
      counts: { requested: 98, refused: 2 },
    });
    expect(sink.lines[0]?.line).not.toContain('\n');
  });

  it.each(['debug', 'info', 'warn', 'error'] as const)('of level %s reaches the sink under that level', (level) => {
    const { sink, logger } = logging();
    logger[level]('x');
    expect(sink.lines.map((line) => line.level)).toEqual([level]);
  });

  it.each([
    ['debug', 4],
    ['info', 3],
    ['warn', 2],
    ['error', 1],
  ] as const)('is made from level %s upwards (%i of four)', (level, made) => {
    const { sink, logger } = logging(level);
    for (const each of ['debug', 'info', 'warn', 'error'] as const) logger[each]('x');
    expect(sink.lines).toHaveLength(made);
  });

  it('of a child holds the bindings of its parents, each name once, the nearest value winning', () => {
    const { sink, logger } = logging('info', { runId: RUN, look: 1 });
    logger.child({ sliceId: '0000100-0' }).child({ device: 'd', look: 2 }).info('x', { look: 3 });
    expect(sink.entries()[0]).toMatchObject({ runId: RUN, sliceId: '0000100-0', device: 'd', look: 3 });
    expect(sink.text().match(/"look"/g)).toHaveLength(1);
  });

  it('leaves out undefined fields without counting them as dropped', () => {
    const { sink, logger } = logging();
    logger.info('x', { runId: undefined });
    expect(Object.keys(sink.entries()[0] ?? {}).sort()).toEqual(['level', 'message', 'time']);
  });
});

describe('the allow-list', () => {
  it.each([
    ['a name that is not listed', { key: 'x', headers: 'y' }, 2],
    ['an object with texts in it', { devices: { name: 'x' } }, 1],
    ['a nested object', { counts: { a: { b: 1 } } }, 1],
    ['an array', { devices: [1, 2, 3] }, 1],
    ['counts under names that are not identifiers', { counts: { 'a b': 1 } }, 1],
    ['an error', { error: new Error(PASSWORD) }, 1],
    ['a number that is none', { count: Number.NaN }, 1],
    ['a function', { reason: () => PASSWORD }, 1],
    ['null', { reason: null }, 1],
  ])('drops %s and counts it', (_what, fields, dropped) => {
    const { sink, logger } = logging();
    logger.info('x', smuggled(fields));
    const { level, time, message, ...rest } = sink.entries()[0] ?? {};
    expect({ level, message }).toEqual({ level: 'info', message: 'x' });
    expect(time).toBeTypeOf('string');
    expect(rest).toEqual({ dropped });
  });

  it('is a compile error for names that are not on it', () => {
    const { logger } = logging('error');
    // @ts-expect-error `recoveryPassword` is not a log field
    logger.info('x', { recoveryPassword: 'y' });
  });

  it('no field of a name that is not listed is ever written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything()), (fields) => {
        const { sink, logger } = logging();
        logger.child(smuggled(fields)).error('x', smuggled(fields));
        expect(sink.lines).toHaveLength(1);
        for (const name of Object.keys(sink.entries()[0] ?? {})) {
          expect(['level', 'time', 'message', 'dropped', ...LOG_FIELDS]).toContain(name);
        }
      }),
    );
  });
});

describe('secrets', () => {
  const secrets: readonly (readonly [string, string])[] = [
    ['a recovery password', PASSWORD],
    ['a recovery password without hyphens', PASSWORD.replaceAll('-', '')],
    ['a recovery password in groups on lines', PASSWORD.replaceAll('-', '\n')],
    ['a JSON web token', TOKEN],
    ['a token cut short', TOKEN.slice(0, 60)],
    ['an authorization header', 'Bearer opaque.access/token+value=='],
    ['a storage key', 'AccountKey=c2VjcmV0c2VjcmV0c2VjcmV0'],
    ['a signed URL', 'https://a.example/?sv=1&sig=c2VjcmV0c2VjcmV0'],
  ];
  const secretPart = (secret: string) => secret.replace(/^(Bearer |AccountKey=|https:.*sig=)/, '');

  it.each(secrets)('%s never comes out, wherever it is put', (_what, secret) => {
    const { sink, logger } = logging('debug', { reason: secret, ...smuggled({ key: secret }) });
    const planted = Object.assign(new Error(secret, { cause: new Error(secret) }), {
      code: secret,
      name: secret,
      body: secret,
    });
    const child = logger.child({ device: `before ${secret} after` });
    child.error(`message ${secret}`, { errorMessage: secret, ...errorFields(planted) });
    child.error(
      'own error',
      errorFields(new GraphError('badRequest', `said ${secret}`, { requestId: secret, cause: planted })),
    );
    child.error('smuggled', smuggled({ error: planted, headers: { authorization: secret }, counts: { [secret]: 1 } }));
    child.error('thrown text', errorFields(secret));
    expect(sink.lines).toHaveLength(4);
    expect(sink.text()).not.toContain(secretPart(secret));
    expect(sink.text()).not.toContain(JSON.stringify(secretPart(secret)).slice(1, -1));
    for (const { message } of sink.entries()) expect(message).toBeTypeOf('string');
  });

  it('a recovery password is removed from any text around it', () => {
    const group = fc.integer({ min: 0, max: 65_535 }).map((n) => String(n * 11).padStart(6, '0'));
    const password = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join('-'));
    const around = fc.string().filter((text) => !/\d$|^\d/.test(text));
    fc.assert(
      fc.property(around, password, around, (before, secret, after) => {
        const { sink, logger } = logging();
        logger.info(`${before}${secret}${after}`);
        expect(sink.text()).not.toContain(secret);
      }),
    );
  });

  it('ids, request ids, timestamps and counts pass', () => {
    const { sink, logger } = logging();
    const fields = {
      managedDeviceId: '01234567-8901-2345-6789-012345678901',
      requestId: '11111111-2222-3333-4444-555555555555',
      atMs: 1_795_388_400_000,
      reason: 'helpdesk disclosure INC-1234 at 2026-12-01T08:00:00.000Z',
    };
    logger.info('x', fields);
    expect(sink.entries()[0]).toMatchObject(fields);
  });

  it('a text that is too long is cut only after it was scrubbed', () => {
    const { sink, logger } = logging();
    logger.info(`${'x'.repeat(3_980)}${PASSWORD}`);
    expect(sink.text()).not.toContain(PASSWORD.slice(0, 13));
  });
});

describe('errors', () => {
  it.each([
    [
      new GraphError('forbidden', 'a role is missing', { status: 403, requestId: 'r', clientRequestId: 'c' }),
      {
        error: 'GraphError',
        errorKind: 'forbidden',
        errorMessage: 'a role is missing',
        status: 403,
        requestId: 'r',
        clientRequestId: 'c',
      },
    ],
    [
      new StorageError('unreachable', 'no answer from x', Object.assign(new Error('secret'), { code: 'ECONNREFUSED' })),
      {
        error: 'StorageError',
        errorKind: 'unreachable',
        errorMessage: 'no answer from x',
        cause: 'Error',
        causeCode: 'ECONNREFUSED',
      },
    ],
    [new MessageError('look must be whole'), { error: 'MessageError', errorMessage: 'look must be whole' }],
    [
      new SettingsError([{ name: 'A', rule: 'must be b', given: '"c"' }]),
      { error: 'SettingsError', errorMessage: '1 setting is wrong:\n- A must be b; given: "c"' },
    ],
    [new TypeError('anything'), { error: 'TypeError' }],
    [Object.assign(new Error('anything'), { code: 'ECONNRESET' }), { error: 'Error', code: 'ECONNRESET' }],
    ['a text', { error: 'string' }],
    [undefined, { error: 'undefined' }],
  ])('%s is reduced to what is safe', (error, expected) => {
    const { sink, logger } = logging();
    logger.error('x', errorFields(error));
    const { level: _level, time: _time, message: _message, ...fields } = sink.entries()[0] ?? {};
    expect(fields).toEqual(expected);
  });
});

describe('standard error', () => {
  it('gets one line per message, and standard output nothing', async () => {
    const script = `
      import { createLogger, stderrSink } from './src/system/logger.ts';
      const logger = createLogger({ level: 'info', write: stderrSink() });
      logger.info('first');
      logger.warn('second', { runId: 'run-1' });`;
    const child = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: path.join(import.meta.dirname, '../..'),
      timeout: 50_000,
    });
    const lines = child.stderr.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).message)).toEqual(['first', 'second']);
    expect(child.stdout).toBe('');
  });
});

describe('the summary line', () => {
  const summary = {
    functionName: 'continue-rotation',
    tenantId: parseTenantId('0f0e0d0c-1111-4222-8333-444455556666'),
    runId: RUN,
    outcome: 'handedOver',
    counts: { planned: 800, requested: 200 },
    requests: 210,
    throttled: 0,
    retries: 1,
    waitMs: 18_000,
    writeUtilisation: 0.98,
    durationMs: 20_500,
  } as const;

  it('carries every figure under its own name', () => {
    const { sink, logger } = logging('info');
    summaryLine(logger, summary);
    expect(sink.entries()).toEqual([{ level: 'info', time: expect.any(String), message: SUMMARY_MESSAGE, ...summary }]);
  });

  it('of a faulted invocation is an error', () => {
    const { sink, logger } = logging('info');
    summaryLine(logger, { ...summary, outcome: 'faulted' });
    expect(sink.lines[0]?.level).toBe('error');
  });
});
