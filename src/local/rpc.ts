/** The part of the language worker's contract (`@azure/functions-core`) that this host speaks. Layer: local. */

/** Source: `@azure/functions` 4.16.5, `src/converters/fromRpcTypedData.ts` (read 2026-11-22). */
export interface RpcTypedData {
  readonly string?: string;
  readonly json?: string;
  readonly int?: number;
}

/** One trigger or binding of a function, as the library registers it. */
export interface RpcBinding {
  readonly type: string;
  readonly name: string;
  readonly direction: 'in' | 'out' | 'inout';
  readonly queueName?: string;
  readonly connection?: string;
  readonly schedule?: string;
  readonly runOnStartup?: boolean;
  readonly useMonitor?: boolean;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, RpcBinding>>;
  readonly retryOptions?: unknown;
}

export type RpcLogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';
export type RpcLogCategory = 'user' | 'system' | 'customMetric';

/** What the host sends for one invocation. */
export interface InvocationRequest {
  readonly invocationId: string;
  readonly inputData: readonly { readonly name: string; readonly data: RpcTypedData }[];
  readonly triggerMetadata: Readonly<Record<string, RpcTypedData>>;
  readonly traceContext: { readonly traceParent: string; readonly traceState: string };
}

/** What the library asks of the worker during one invocation. */
export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: InvocationRequest;
  readonly metadata: FunctionMetadata;
  state: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined;
  log(level: RpcLogLevel, category: RpcLogCategory, message: string): void;
}

export type FunctionCallback = (...inputs: unknown[]) => unknown;

/** The library's model of one invocation: arguments, call, response. */
export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<unknown>;
}

export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
}

/** Source: azure-functions-nodejs-worker `src/hooks/registerHook.ts` (read 2026-11-22). */
export const HOOK_NAMES = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation'] as const;
export type HookName = (typeof HOOK_NAMES)[number];
export type HookCallback = (context: object) => unknown;

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

/** What one or more entry points registered. */
export interface FunctionApp {
  readonly model: ProgrammingModel;
  readonly functions: readonly RegisteredFunction[];
  readonly hooks: Readonly<Record<HookName, readonly HookCallback[]>>;
}

/** Where the host's and the functions' lines go; `functionName` is `host` for the host's own. */
export type LogSink = (
  functionName: string,
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error',
  line: string,
) => void;
