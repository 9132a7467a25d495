/** `keyturn request`: puts an on-demand message for the function app, or `keyturn host`, to act upon. Layer: cli. */
import type { Command } from 'commander';
import { type PutRequest, putRequest } from '../../app/put-request.ts';
import type { RunId } from '../../domain/ids.ts';
import { moment, plural } from '../../domain/plain-figures.ts';
import type { RotationRequest } from '../../domain/rotation-request.ts';
import { createServices } from '../../services.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { addRequestOptions, type RequestOptions, readRequest } from '../request-options.ts';
import { UsageError } from '../usage-error.ts';

export interface RequestCommandOptions extends CommonOptions, RequestOptions {}

/** Declares the command. */
export function addRequestCommand(program: Command, act: (options: RequestCommandOptions) => Promise<void>): void {
  const command = program
    .command('request')
    .description(
      'asks the function app, or `npx keyturn host`, to rotate these devices now: puts an on-demand message',
    );
  addRequestOptions(command)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample: npx keyturn request --name LT-FRA-00042 --reason "helpdesk disclosure INC-1234"\nThe message and other ways to send it: docs/on-demand.md',
    )
    .action(act);
}

/** Nothing is put unless all of it is right, and nothing that is there already. @throws {UsageError} {@link SettingsError} {@link StorageError} */
export async function requestCommand(context: CliContext, options: RequestCommandOptions): Promise<ExitCode> {
  const services = createServices({ environment: context.environment });
  const { settings, random, storage } = services;
  const request = await readRequest(context, options, settings);
  await services.ready();
  const requestId = request.requestId ?? (random.guid() as RunId);
  const outcome = await putRequest({ ...storage, settings }, { ...request, requestId });
  if (outcome.kind === 'refused') throw new UsageError(`Nothing was put: ${outcome.reason}.`);
  const { requests } = outcome;
  const { notBeforeMs } = request;
  const document = {
    queue: 'rotation-requests',
    requests: requests.map(documented),
    ...(notBeforeMs === undefined ? {} : { notBefore: new Date(notBeforeMs).toISOString() }),
  };
  printResult(context, options, document, () => requestLines(requests, request));
  return EXIT.done;
}

/** With instants as ISO 8601. */
function documented({ existing, ...request }: PutRequest) {
  if (existing === undefined) return request;
  const { createdAtMs, ...run } = existing;
  return { ...request, existing: { ...run, createdAt: new Date(createdAtMs).toISOString() } };
}

function requestLines(requests: readonly PutRequest[], { notBeforeMs }: RotationRequest): readonly string[] {
  const isNew = requests.some(({ existing }) => existing === undefined);
  const isThere = requests.some(({ existing }) => existing !== undefined);
  return [
    ...(requests.length === 1 ? [] : [`Too long for one message: made into ${requests.length} requests.`]),
    ...requests.map(requestLine),
    ...(isThere ? ['The reason and the time of what exists already are those it was first put with.'] : []),
    ...(notBeforeMs === undefined || !isNew ? [] : [`Nothing is done before ${moment(notBeforeMs)} UTC.`]),
    isNew ? 'Once the function app, or `npx keyturn host`, has taken it:' : 'See how it stands:',
    ...requests.map(({ requestId }) => `  npx keyturn status ${requestId}`),
    ...(isNew ? ['Whoever takes it goes by its own ROTATION_MODE: live asks, dryRun plans and asks nobody.'] : []),
  ];
}

function requestLine({ requestId, targets, existing }: PutRequest): string {
  return existing === undefined
    ? `Request ${requestId} is on its queue: ${plural(targets, 'target')}.`
    : `Request ${requestId} exists already, since ${moment(existing.createdAtMs)} UTC, as a run that is ${existing.state}: nothing was put.`;
}
