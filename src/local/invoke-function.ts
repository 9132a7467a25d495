/** One invocation, through the programming model of `@azure/functions`, in the order the language worker does it. Layer: local. */
import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '../domain/ports.ts';
import { levelOf } from './core-module.ts';
import type { CoreInvocationContext, FunctionApp, HookName, LogSink, RegisteredFunction, RpcTypedData } from './rpc.ts';

/** What a trigger brings: the value of its binding, and metadata. */
export interface TriggerData {
  readonly input: RpcTypedData;
  readonly metadata: Readonly<Record<string, RpcTypedData>>;
}

export type InvocationOutcome = { readonly kind: 'succeeded' } | { readonly kind: 'failed'; readonly error: unknown };

export interface FunctionInvoker {
  /** Runs the function once; what it throws is an outcome. Logs the start and the end, as the Functions host does. */
  invoke(registered: RegisteredFunction, trigger: TriggerData): Promise<InvocationOutcome>;
  /** Runs the app's hooks of that name in the order they were registered. @throws what a hook throws. */
  runAppHooks(name: 'appStart' | 'appTerminate', details?: object): Promise<void>;
}

/** The reason in one line, without a stack. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** Source: azure-functions-nodejs-worker `src/eventHandlers/InvocationHandler.ts` (read 2026-11-22). */
export function createFunctionInvoker(options: {
  readonly app: FunctionApp;
  readonly clock: Clock;
  readonly random: Random;
  readonly onLog: LogSink;
}): FunctionInvoker {
  const { app, clock, random, onLog } = options;
  const appHookData = {};

  async function runHooks(name: HookName, context: object): Promise<void> {
    for (const hook of app.hooks[name]) await hook(context);
  }

  async function run(registered: RegisteredFunction, core: CoreInvocationContext): Promise<void> {
    const model = app.model.getInvocationModel(core);
    const { context, inputs } = await model.getArguments();
    const hookData = {};
    const before = {
      hookData,
      appHookData,
      invocationContext: context,
      functionCallback: registered.callback,
      inputs,
    };
    core.state = 'preInvocationHooks';
    await runHooks('preInvocation', before);
    const after: { result: unknown; error: unknown } = { result: null, error: null };
    core.state = 'invocation';
    try {
      after.result = await model.invokeFunction(context, before.inputs, before.functionCallback);
    } catch (error) {
      after.error = error ?? new Error(`the function threw ${String(error)}`);
    }
    core.state = 'postInvocationHooks';
    // The hooks may change the result and the error, so the object they were given is what counts.
    const given = Object.assign(after, { hookData, appHookData, invocationContext: context, inputs: before.inputs });
    await runHooks('postInvocation', given);
    core.state = undefined;
    if (given.error !== null && given.error !== undefined) throw given.error;
    await model.getResponse(context, given.result);
  }

  async function invoke(registered: RegisteredFunction, trigger: TriggerData): Promise<InvocationOutcome> {
    const { metadata } = registered;
    const invocationId = random.guid();
    const bindingName = Object.keys(metadata.bindings)[0] ?? '';
    const core: CoreInvocationContext = {
      invocationId,
      metadata,
      state: undefined,
      request: {
        invocationId,
        inputData: [{ name: bindingName, data: trigger.input }],
        triggerMetadata: {
          ...trigger.metadata,
          sys: {
            json: JSON.stringify({
              MethodName: metadata.name,
              UtcNow: new Date(clock.nowMs()).toISOString(),
              RandGuid: random.guid(),
            }),
          },
        },
        traceContext: {
          traceParent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`,
          traceState: '',
        },
      },
      log: (level, _category, message) => onLog(metadata.name, levelOf(level), message),
    };
    const startedAtMs = clock.nowMs();
    onLog(metadata.name, 'debug', `Executing 'Functions.${metadata.name}' (Id=${invocationId})`);
    const ended = (how: string) =>
      `Executed 'Functions.${metadata.name}' (${how}, Id=${invocationId}, Duration=${Math.round(clock.nowMs() - startedAtMs)}ms)`;
    try {
      await run(registered, core);
      onLog(metadata.name, 'debug', ended('Succeeded'));
      return { kind: 'succeeded' };
    } catch (error) {
      onLog(metadata.name, 'error', `${ended('Failed')}: ${reasonOf(error)}`);
      return { kind: 'failed', error };
    }
  }

  return {
    invoke,
    runAppHooks: (name, details = {}) => runHooks(name, { hookData: {}, appHookData, ...details }),
  };
}
