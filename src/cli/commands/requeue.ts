/** `keyturn requeue`: puts quarantined work back, or dismisses what nobody needs any more. Layer: cli. */
import type { Command } from 'commander';
import type { Deps } from '../../app/deps.ts';
import { reportEntry } from '../../app/report-quarantine.ts';
import { dismiss, type Requeued, requeue } from '../../app/requeue.ts';
import type { Ledger, QuarantineEntry } from '../../domain/ledger.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { createCarrier } from '../drive/carry-on.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { type DismissedEntry, dismissedLines, requeuedLines } from '../render/quarantine-lines.ts';
import { UsageError } from '../usage-error.ts';
import { openServices } from './open-services.ts';

export interface RequeueOptions extends CommonOptions {
  readonly all?: boolean;
  readonly dismiss?: boolean;
  readonly dryRun?: boolean;
}

/** Declares the command. */
export function addRequeueCommand(
  program: Command,
  act: (ids: readonly string[], options: RequeueOptions) => Promise<void>,
): void {
  program
    .command('requeue')
    .description('puts quarantined work back, or dismisses it; `npx keyturn status` lists what is in quarantine')
    .argument('[id...]', 'ids of quarantined messages')
    .option('--all', 'everything in quarantine')
    .option(
      '--dismiss',
      'delete these messages instead, after showing them: for what is understood and needs nothing more',
    )
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A request goes back on its queue. A run is carried on. Devices whose look failed are looked at again by a run of their
own, which asks nobody twice. What cannot be put back is told why, and stays in quarantine.
--dismiss takes ids, not --all, and keeps a message that work depends on: its run has not ended, or requests of its
devices may still take effect. One that is gone already is no mistake.

Examples:
  $ npx keyturn requeue encryption-states-1b2c3d4e5f607182
  $ npx keyturn requeue --all --dry-run
  $ npx keyturn requeue --dismiss rotation-requests-1b2c3d4e5f607182

Exit codes: 0 all of it was put back, dismissed or needed nothing more, 1 something stays in quarantine, 2 usage or configuration.`,
    )
    .action(act);
}

/** All ids are known before anything is done. @throws {UsageError} {@link SettingsError} {@link StorageError} */
export async function requeueCommand(
  context: CliContext,
  ids: readonly string[],
  options: RequeueOptions,
): Promise<ExitCode> {
  if (ids.length > 0 === (options.all === true)) {
    throw new UsageError('Name quarantined messages by id, or all of them by --all. `npx keyturn status` lists them.');
  }
  if (options.dismiss === true && options.all === true) {
    throw new UsageError('--dismiss takes ids, so that each message is looked at before it goes.');
  }
  const services = await openServices(context);
  const { deps } = createCarrier(context, services, options, services.settings.mode);
  const mode = options.dryRun === true ? 'dryRun' : 'really';
  if (options.dismiss === true) return dismissNamed(context, options, deps, ids, mode);
  const entries = options.all === true ? await readAll(deps.ledger) : await readNamed(deps.ledger, ids);

  const results: Requeued[] = [];
  for (const entry of entries) {
    context.stopping.throwIfAborted();
    results.push(await requeue(deps, entry, mode));
  }
  printResult(context, options, { dryRun: mode === 'dryRun', requeued: results }, (style, columns) =>
    requeuedLines(results, mode, style, columns),
  );
  return results.some(({ outcome }) => outcome === 'stays') ? EXIT.failed : EXIT.done;
}

/** What is gone already is dismissed already. */
async function dismissNamed(
  context: CliContext,
  options: RequeueOptions,
  deps: Deps,
  ids: readonly string[],
  mode: 'really' | 'dryRun',
): Promise<ExitCode> {
  const results: DismissedEntry[] = [];
  for (const id of new Set(ids)) {
    context.stopping.throwIfAborted();
    const entry = await deps.ledger.readQuarantine(id);
    if (entry === undefined) {
      results.push({ id, outcome: 'gone', message: 'it is not in quarantine' });
      continue;
    }
    const shown = await reportEntry(deps, entry);
    results.push({ ...(await dismiss(deps, entry, mode)), entry: shown });
  }
  printResult(context, options, { dryRun: mode === 'dryRun', dismissed: results }, (style, columns) =>
    dismissedLines(results, mode, deps.clock.nowMs(), style, columns),
  );
  return results.some(({ outcome }) => outcome === 'kept') ? EXIT.failed : EXIT.done;
}

/** Oldest first: what has waited longest goes on first. */
async function readAll(ledger: Ledger): Promise<readonly QuarantineEntry[]> {
  const entries: QuarantineEntry[] = [];
  for await (const entry of ledger.listQuarantine()) entries.push(entry);
  return entries.sort((a, b) => a.atMs - b.atMs);
}

async function readNamed(ledger: Ledger, ids: readonly string[]): Promise<readonly QuarantineEntry[]> {
  const found: QuarantineEntry[] = [];
  const unknown: string[] = [];
  for (const id of new Set(ids)) {
    const entry = await ledger.readQuarantine(id);
    if (entry === undefined) unknown.push(id);
    else found.push(entry);
  }
  if (unknown.length === 0) return found;
  throw new UsageError(
    `Nothing was done: ${unknown.join(', ')} ${unknown.length === 1 ? 'is' : 'are'} not in quarantine. \`npx keyturn status\` lists what is.`,
  );
}
