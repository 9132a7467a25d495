import type { app, InvocationContext, Timer } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import { createFunctionInvoker } from '../../src/local/invoke-function.ts';
import { triggerDataOf } from '../../src/local/queue-message.ts';
import type { FunctionApp, RegisteredFunction } from '../../src/local/rpc.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { appOf, createCountingRandom, createLog } from './support/local-app.ts';

const NOW_MS = Date.parse('2026-11-22T10:00:00Z');
const MESSAGE = {
  messageId: '11111111-2222-3333-4444-555555555555',
  popReceipt: 'AgAAAAMAAAAA',
  dequeueCount: 2,
  insertedOn: new Date('2026-11-22T09:59:00Z'),
  expiresOn: new Date('2026-11-29T09:59:00Z'),
  nextVisibleOn: new Date('2026-11-22T10:10:00Z'),
  messageText: '',
};

function invokerOf(app: FunctionApp) {
  const log = createLog();
  const clock = createVirtualClock(NOW_MS);
  const invoker = createFunctionInvoker({ app, clock, random: createCountingRandom(), onLog: log.onLog });
  return { invoker, lines: log.lines, first: app.functions[0] as RegisteredFunction };
}

/** What a queue function gets for a message with that text. */
async function delivered(text: string): Promise<{ message: unknown; context: InvocationContext }> {
  const seen: { message: unknown; context: InvocationContext }[] = [];
  const recorded = await appOf((registrar) =>
    registrar.storageQueue('q', {
      queueName: 'encryption-states',
      connection: 'AzureWebJobsStorage',
      handler: (message, context) => void seen.push({ message, context }),
    }),
  );
  const { invoker, first } = invokerOf(recorded);
  await expect(invoker.invoke(first, triggerDataOf(MESSAGE, text))).resolves.toEqual({ kind: 'succeeded' });
  const [delivery] = seen;
  if (delivery === undefined) throw new Error('the function was not called');
  return delivery;
}

describe('an invocation', () => {
  it.each([
    ['JSON', '{"runId":"r-1","checkpoint":3}', { runId: 'r-1', checkpoint: 3 }],
    ['base64 of JSON', 'eyJhIjoxfQ==', 'eyJhIjoxfQ=='],
    ['plain text', 'hello', 'hello'],
  ])('gives a queue function %s as Azure does', async (_, text, expected) => {
    expect((await delivered(text)).message).toEqual(expected);
  });

  it('has the context of a queue trigger in Azure', async () => {
    const { context } = await delivered('{"runId":"r-1"}');
    expect(context.functionName).toBe('q');
    expect(context.invocationId).toBe('00000000-0000-4000-8000-000000000001');
    expect(context.traceContext?.traceParent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(context.retryContext).toBeUndefined();
    expect(context.options.trigger).toMatchObject({ type: 'queueTrigger', queueName: 'encryption-states' });
    expect(context.triggerMetadata).toEqual({
      queueTrigger: { runId: 'r-1' },
      dequeueCount: 2,
      expirationTime: '2026-11-29T09:59:00.000Z',
      id: MESSAGE.messageId,
      insertionTime: '2026-11-22T09:59:00.000Z',
      nextVisibleTime: '2026-11-22T10:10:00.000Z',
      popReceipt: MESSAGE.popReceipt,
      sys: {
        methodName: 'q',
        utcNow: '2026-11-22T10:00:00.000Z',
        randGuid: '00000000-0000-4000-8000-000000000002',
      },
    });
  });

  it('gives a timer function its timer', async () => {
    const timers: Timer[] = [];
    const recorded = await appOf((registrar) =>
      registrar.timer('t', { schedule: '0 0 2 * * *', handler: (timer) => void timers.push(timer) }),
    );
    const { invoker, first } = invokerOf(recorded);
    const timer = { Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: true };
    await invoker.invoke(first, { input: { json: JSON.stringify(timer) }, metadata: {} });
    expect(timers).toEqual([{ schedule: { adjustForDST: true }, scheduleStatus: null, isPastDue: true }]);
  });

  it('logs what the function writes at its level, with a start and an end', async () => {
    const recorded = await appOf((registrar) =>
      registrar.timer('t', {
        schedule: '0 0 2 * * *',
        handler: (_timer, context) => {
          context.trace('one');
          context.debug('two');
          context.info('three %d', 3);
          context.log('four');
          context.warn('five');
          context.error('six');
        },
      }),
    );
    const { invoker, lines, first } = invokerOf(recorded);
    await invoker.invoke(first, { input: { json: '{}' }, metadata: {} });
    expect(lines.map(({ level, line }) => `${level} ${line}`)).toEqual([
      "debug Executing 'Functions.t' (Id=00000000-0000-4000-8000-000000000001)",
      'trace one',
      'debug two',
      'info three 3',
      'info four',
      'warn five',
      'error six',
      "debug Executed 'Functions.t' (Succeeded, Id=00000000-0000-4000-8000-000000000001, Duration=0ms)",
    ]);
  });

  it.each([
    ['an error', () => Promise.reject(new RangeError('out of range')), 'RangeError: out of range'],
    ['a string', () => Promise.reject('just text'), 'just text'],
    ['nothing', () => Promise.reject(undefined), 'Error: the function threw undefined'],
  ])('fails when the function throws %s, with the reason in one line', async (_, handler, reason) => {
    const recorded = await appOf((registrar) => registrar.timer('t', { schedule: '0 0 2 * * *', handler }));
    const { invoker, lines, first } = invokerOf(recorded);
    await expect(invoker.invoke(first, { input: { json: '{}' }, metadata: {} })).resolves.toMatchObject({
      kind: 'failed',
    });
    const errors = lines.filter(({ level }) => level === 'error').map(({ line }) => line);
    expect(errors).toEqual([expect.stringMatching(/^Executed 'Functions\.t' \(Failed, .*ms\): /)]);
    expect(errors[0]?.endsWith(`: ${reason}`)).toBe(true);
  });

  it('runs the hooks around the function, which may replace the handler, the inputs, and the outcome', async () => {
    const order: string[] = [];
    const recorded = await appOf((registrar) => {
      registrar.hook.preInvocation((hook) => {
        order.push('before');
        hook.hookData.mark = 'kept';
        hook.inputs = ['replaced'];
        const original = hook.functionHandler;
        hook.functionHandler = (input, context) => original(`${input} and wrapped`, context);
      });
      registrar.hook.postInvocation((hook) => {
        order.push(`after ${hook.hookData.mark} ${hook.error}`);
        hook.error = null;
      });
      registrar.storageQueue('q', {
        queueName: 'a',
        connection: 'AzureWebJobsStorage',
        handler: (message) => {
          order.push(`function ${message}`);
          throw new Error('forgiven');
        },
      });
    });
    const { invoker, first } = invokerOf(recorded);
    await expect(invoker.invoke(first, triggerDataOf(MESSAGE, 'x'))).resolves.toEqual({ kind: 'succeeded' });
    expect(order).toEqual(['before', 'function replaced and wrapped', 'after kept Error: forgiven']);
  });
});

describe('registration', () => {
  it('keeps each recording to what it registered', async () => {
    const one = await appOf((registrar) => registrar.timer('one', { schedule: '0 0 2 * * *', handler: () => {} }));
    const two = await appOf((registrar) => registrar.timer('two', { schedule: '0 0 2 * * *', handler: () => {} }));
    expect(one.functions.map(({ metadata }) => metadata.name)).toEqual(['one']);
    expect(two.functions.map(({ metadata }) => metadata.name)).toEqual(['two']);
  });

  const some = (registrar: typeof app) => registrar.timer('t', { schedule: '0 0 2 * * *', handler: () => {} });

  it('forgets a hook that was disposed of', async () => {
    const recorded = await appOf((registrar) => {
      some(registrar);
      registrar.hook.appStart(() => {}).dispose();
      registrar.hook.appTerminate(() => {});
    });
    expect(recorded.hooks.appStart).toHaveLength(0);
    expect(recorded.hooks.appTerminate).toHaveLength(1);
  });

  it('of nothing at all is an error', async () => {
    await expect(appOf(() => {})).rejects.toMatchObject({
      kind: 'functions',
      message: expect.stringContaining('no function was registered'),
    });
  });

  it('is refused outside a recording', async () => {
    await appOf(some);
    const library = await import('@azure/functions');
    expect(() => some(library.app)).toThrow('t can only be registered while the app loads');
  });

  it('of a hook the host does not run is refused', async () => {
    await expect(appOf((registrar) => void registrar.hook.log(() => {}))).rejects.toThrow('Log hooks require');
  });

  it('cannot be recorded twice at once', async () => {
    const recording = appOf(some);
    await expect(appOf(some)).rejects.toMatchObject({
      kind: 'functions',
      message: expect.stringContaining('another function app is being loaded'),
    });
    await recording;
  });
});
