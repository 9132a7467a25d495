/** Provides `@azure/functions-core`, the module the language worker injects and `@azure/functions` registers with. Layer: local. */
import module, { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { LocalHostError } from './local-host-error.ts';
import type {
  FunctionApp,
  FunctionCallback,
  FunctionMetadata,
  HookCallback,
  HookName,
  LogSink,
  ProgrammingModel,
  RegisteredFunction,
  RpcLogLevel,
} from './rpc.ts';
import { HOOK_NAMES } from './rpc.ts';

const CORE = '@azure/functions-core';
/** Key of the core module in Node's module cache. No such file: the cache answers before the disk is asked. */
const CORE_PATH = createRequire(import.meta.url)
  .resolve('@azure/functions')
  .concat('#core.cjs');
/** Where the recording in progress hangs on the core module: the library holds one core module per process, so there is one recorder. */
const RECORDER = Symbol.for('keyturn.local.recorder');

interface Recording {
  readonly functions: RegisteredFunction[];
  readonly hooks: Record<HookName, HookCallback[]>;
  readonly onLog: LogSink;
}

interface Recorder {
  model: ProgrammingModel | undefined;
  recording: Recording | undefined;
}

/** Levels as the Functions context names its methods. */
export function levelOf(level: RpcLogLevel): 'trace' | 'debug' | 'info' | 'warn' | 'error' {
  if (level === 'information') return 'info';
  if (level === 'warning') return 'warn';
  if (level === 'critical') return 'error';
  return level === 'none' ? 'trace' : level;
}

/** Like the worker's: gives back what was registered. */
class Disposable {
  #release: (() => unknown) | undefined;

  static from(...members: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const member of members) member.dispose();
    });
  }

  constructor(release: () => unknown) {
    this.#release = release;
  }

  dispose(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

function registering<T>(list: (recording: Recording) => T[], item: T, recorder: Recorder, what: string): Disposable {
  const recording = recorder.recording;
  if (recording === undefined)
    throw new LocalHostError('functions', `${what} can only be registered while the app loads`);
  const items = list(recording);
  items.push(item);
  return new Disposable(() => items.splice(items.indexOf(item), 1));
}

/** Source: azure-functions-nodejs-worker `src/setupCoreModule.ts`, `src/coreApi/*` (read 2026-11-22). */
function createCoreApi(recorder: Recorder): object {
  return {
    [RECORDER]: recorder,
    version: '3.12.0',
    hostVersion: '4.1045.0',
    registerFunction(metadata: FunctionMetadata, callback: FunctionCallback) {
      return registering((recording) => recording.functions, { metadata, callback }, recorder, metadata.name);
    },
    registerHook(name: string, callback: HookCallback) {
      const known = HOOK_NAMES.find((hook) => hook === name);
      // The worker's own words for it; the library explains it further.
      if (known === undefined)
        throw Object.assign(new RangeError(`Unrecognized hook "${name}"`), { isAzureFunctionsSystemError: true });
      return registering((recording) => recording.hooks[known], callback, recorder, `hook ${name}`);
    },
    setProgrammingModel(model: ProgrammingModel) {
      recorder.model = model;
    },
    getProgrammingModel: () => recorder.model,
    log(level: RpcLogLevel, _category: string, message: string) {
      recorder.recording?.onLog('host', levelOf(level), message);
    },
    Disposable,
  };
}

/** Installs the core module once per process, whichever copy of this file asks. */
function recorderOf(): Recorder {
  const cache = createRequire(import.meta.url).cache;
  const installed = cache[CORE_PATH]?.exports as { [RECORDER]?: Recorder } | undefined;
  if (installed?.[RECORDER] !== undefined) return installed[RECORDER];
  if (typeof module.registerHooks !== 'function') {
    throw new LocalHostError(
      'node',
      `the local host needs Node 22.15 or newer, this is ${process.version}; \`npx keyturn\` and npm scripts run on the Node 24 that \`npm ci\` installed`,
    );
  }
  const recorder: Recorder = { model: undefined, recording: undefined };
  const core = new module.Module(CORE_PATH);
  core.filename = CORE_PATH;
  core.loaded = true;
  core.exports = createCoreApi(recorder);
  cache[CORE_PATH] = core;
  const url = pathToFileURL(CORE_PATH).href;
  module.registerHooks({
    resolve: (specifier, context, next) =>
      specifier === CORE ? { url, format: 'commonjs', shortCircuit: true } : next(specifier, context),
  });
  return recorder;
}

/**
 * Runs `load` and returns what it registered through `@azure/functions`: functions, hooks, and the programming model to invoke them with.
 * Nothing outside this call can register.
 * @throws {LocalHostError} kind `node` on a Node without `registerHooks`; kind `functions` when two recordings overlap, or when no
 * function was registered, also because the library was used in this process before and so settled for its test mode.
 */
export async function recordRegistrations(load: () => unknown, onLog: LogSink): Promise<FunctionApp> {
  const recorder = recorderOf();
  if (recorder.recording !== undefined) throw new LocalHostError('functions', 'another function app is being loaded');
  const recording: Recording = {
    functions: [],
    hooks: { appStart: [], appTerminate: [], preInvocation: [], postInvocation: [] },
    onLog,
  };
  recorder.recording = recording;
  try {
    await load();
  } finally {
    recorder.recording = undefined;
  }
  if (recorder.model === undefined || recording.functions.length === 0) {
    throw new LocalHostError(
      'functions',
      'no function was registered through @azure/functions; check main in package.json',
    );
  }
  return { model: recorder.model, functions: recording.functions, hooks: recording.hooks };
}
