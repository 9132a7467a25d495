/** The options that describe a request, as the on-demand message they stand for. Layer: cli. */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { type Command, InvalidArgumentError } from 'commander';
import { duplicateNames } from '../domain/duplicate-names.ts';
import type { TenantId } from '../domain/ids.ts';
import { readJsonMessage } from '../domain/message-body.ts';
import { parseRotationRequest, type RotationRequest } from '../domain/rotation-request.ts';
import type { CliContext } from './context.ts';
import { UsageError } from './usage-error.ts';

/** A script whose failing devices are asked for. */
export interface FailingScript {
  readonly property: 'deviceHealthScriptId' | 'deviceManagementScriptId' | 'deviceComplianceScriptId';
  readonly scriptId: string;
}

/** As commander collects them. */
export interface RequestOptions {
  readonly device?: readonly string[];
  readonly entraDevice?: readonly string[];
  readonly name?: readonly string[];
  readonly serial?: readonly string[];
  readonly user?: readonly string[];
  readonly comanaged?: readonly string[];
  readonly failing?: readonly FailingScript[];
  readonly reason?: string;
  readonly requestedBy?: string;
  readonly notBefore?: string;
  readonly requestId?: string;
  readonly message?: string;
}

const SCRIPT_PROPERTIES: Readonly<Record<string, FailingScript['property']>> = {
  health: 'deviceHealthScriptId',
  management: 'deviceManagementScriptId',
  compliance: 'deviceComplianceScriptId',
};

/** Collects `KIND:ID`. */
export function failingScript(text: string, before: readonly FailingScript[] = []): readonly FailingScript[] {
  const [, kind = '', scriptId = ''] = /^([a-z]+):(.+)$/.exec(text) ?? [];
  const property = Object.hasOwn(SCRIPT_PROPERTIES, kind) ? SCRIPT_PROPERTIES[kind] : undefined;
  if (property === undefined) {
    throw new InvalidArgumentError('It must be health:ID, management:ID or compliance:ID.');
  }
  return [...before, { property, scriptId }];
}

/** Declares them. */
export function addRequestOptions(command: Command): Command {
  return command
    .option('--device <id...>', 'devices by managed device id')
    .option('--entra-device <id...>', 'devices by Entra device id')
    .option('--name <name...>', 'devices by name; a name must match one device')
    .option('--serial <number...>', 'devices by serial number')
    .option('--user <upn...>', 'the device of a user, by user principal name')
    .option('--comanaged <id...>', 'co-managed devices by managed device id')
    .option(
      '--failing <kind:id...>',
      'every device on which a script detects a problem: health:ID, management:ID or compliance:ID',
      failingScript,
    )
    .option('--reason <text>', 'why; kept with the run')
    .option('--requested-by <text>', 'who asks; kept with the run')
    .option('--not-before <instant>', 'do nothing before then, such as 2026-12-01T08:00:00Z')
    .option('--request-id <guid>', 'an id of your own: the same id is the same request, however often it is put')
    .option('--message <file>', 'the whole message as JSON instead of these options; - reads standard input');
}

/** @throws {UsageError} naming every problem. */
export async function readRequest(
  context: CliContext,
  options: RequestOptions,
  ours: { readonly tenantId: TenantId },
): Promise<RotationRequest> {
  const { message, ...described } = options;
  const body = message === undefined ? bodyOf(described) : await readMessageFile(context, message, described);
  return checkedRequest(body, ours);
}

/** @throws {UsageError} naming every problem. */
export function checkedRequest(body: unknown, ours: { readonly tenantId: TenantId }): RotationRequest {
  const parsed = parseRotationRequest(body, ours);
  if ('ok' in parsed) return parsed.ok;
  throw notRight(parsed.problems);
}

/** Problems told one by one. Chosen: what a person reads through. */
const PROBLEMS_SHOWN = 100;

function notRight(problems: readonly string[]): UsageError {
  const more = problems.length - PROBLEMS_SHOWN;
  const told = more > 0 ? [...problems.slice(0, PROBLEMS_SHOWN), `and ${more} more`] : problems;
  return new UsageError(`The request is not right, so nothing is asked for:\n- ${told.join('\n- ')}`);
}

function bodyOf(options: Omit<RequestOptions, 'message'>): unknown {
  const { reason, requestedBy, notBefore, requestId } = options;
  const targets = [
    ...(options.device ?? []).map((managedDeviceId) => ({ managedDeviceId })),
    ...(options.entraDevice ?? []).map((entraDeviceId) => ({ entraDeviceId })),
    ...(options.name ?? []).map((deviceName) => ({ deviceName })),
    ...(options.serial ?? []).map((serialNumber) => ({ serialNumber })),
    ...(options.user ?? []).map((userPrincipalName) => ({ userPrincipalName })),
    ...(options.comanaged ?? []).map((comanagedDeviceId) => ({ comanagedDeviceId })),
    ...(options.failing ?? []).map(({ property, scriptId }) => ({ [property]: scriptId, failing: true })),
  ];
  if (targets.length === 0) {
    throw new UsageError('Say which devices: --device, --name, --serial, --user and so on, or --message.');
  }
  if (reason === undefined) throw new UsageError('Say why, with --reason: it is kept with the run.');
  const said = Object.entries({ requestId, reason, requestedBy, notBefore }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(said), targets };
}

async function readMessageFile(
  context: CliContext,
  file: string,
  described: Omit<RequestOptions, 'message'>,
): Promise<unknown> {
  if (Object.keys(described).some((name) => name !== 'json')) {
    throw new UsageError('--message is the whole message: nothing else can be said beside it.');
  }
  const from = file === '-' ? 'standard input' : file;
  const message = readJsonMessage(await readText(context, file, from));
  if (message === undefined) throw new UsageError(`${from} must hold one message as JSON, or base64 of it.`);
  const duplicates = duplicateNames(message.text);
  if (duplicates.length > 0) throw notRight(duplicates);
  return message.body;
}

async function readText(context: CliContext, file: string, from: string): Promise<string> {
  try {
    return file === '-'
      ? await readAll(context.input())
      : await readFile(path.resolve(context.directory, file), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new UsageError(`${from} cannot be read (${String(error.code)}).`);
    throw error;
  }
}
