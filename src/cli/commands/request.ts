/** `keyturn request`: puts an on-demand message for the function app, or `keyturn host`, to act upon. Layer: cli. */
import type { Command } from 'commander';
import { type PutRequest, putRequest } from '../../app/put-request.ts';
import type { RunId } from '../../domain/ids.ts';
import type { RotationRequest } from '../../domain/rotation-request.ts';
import { createServices } from '../../services.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { moment, plural } from '../render/text.ts';
import { addRequestOptions, type RequestOptions, readRequest } from '../request-options.ts';

export interface RequestCommandOptions extends CommonOptions, RequestOptions {}

/** Declares the command. */
export function addRequestCommand(program: Command, act: (options: RequestCommandOptions) => Promise<void>): void {
  const command = program
    .command('request')
    .description('asks the function app, or `keyturn host`, to rotate these devices now: puts an on-demand message');
  addRequestOptions(command)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample: keyturn request --name LT-FRA-00042 --reason "helpdesk disclosure INC-1234"\nThe message and other ways to send it: docs/on-demand.md',
    )
    .action(act);
}

/** Nothing is put unless all of it is right. @throws {UsageError} {@link SettingsError} {@link StorageError} */
export async function requestCommand(context: CliContext, options: RequestCommandOptions): Promise<ExitCode> {
  const services = createServices({ environment: context.environment });
  const { settings, random, storage } = services;
  const request = await readRequest(context, options, settings);
  await services.ready();
  const requestId = request.requestId ?? (random.guid() as RunId);
  const requests = await putRequest({ queues: storage.queues, settings }, { ...request, requestId });
  const { notBeforeMs } = request;
  const document = {
    queue: 'rotation-requests',
    requests,
    ...(notBeforeMs === undefined ? {} : { notBefore: new Date(notBeforeMs).toISOString() }),
  };
  printResult(context, options, document, () => requestLines(requests, request));
  return EXIT.done;
}

function requestLines(requests: readonly PutRequest[], { notBeforeMs }: RotationRequest): readonly string[] {
  return [
    ...(requests.length === 1 ? [] : [`Too long for one message: put as ${requests.length} requests.`]),
    ...requests.map(({ requestId, targets }) => `Request ${requestId} is on its queue: ${plural(targets, 'target')}.`),
    ...(notBeforeMs === undefined ? [] : [`Nothing is done before ${moment(notBeforeMs)} UTC.`]),
    'Once the function app, or `keyturn host`, has taken it:',
    ...requests.map(({ requestId }) => `  npx keyturn status ${requestId}`),
  ];
}
