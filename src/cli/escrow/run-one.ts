/** One recovery key into escrow: its password from standard input, one request, one answer. Layer: cli. */
import { escrowKey, type KeyOutcome, recordImported } from '../../app/escrow/escrow-key.ts';
import type { EscrowKey, EscrowOperation, EscrowOutcome } from '../../domain/escrow.ts';
import { moment } from '../../domain/plain-figures.ts';
import { openServices } from '../commands/open-services.ts';
import { type CliContext, printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { createProgress } from '../progress.ts';
import { createProgressLogger } from '../progress-logger.ts';
import type { EscrowOptions } from './escrow-options.ts';
import { FORBIDDEN_LINES, notSupportedLines, type Trouble, troubleText } from './escrow-words.ts';
import { readPassword } from './read-password.ts';

/** Chosen: long enough for a 429 or two; somebody is watching. */
const PATIENCE_MS = 300_000;

/** @throws {UsageError} for a password that cannot be right. @throws {SettingsError} {@link StorageError} {@link GraphError} */
export async function escrowOne(
  context: CliContext,
  operation: EscrowOperation,
  options: EscrowOptions & { readonly device: EscrowKey['entraDeviceId']; readonly volume: EscrowKey['volumeType'] },
): Promise<ExitCode> {
  const { device: entraDeviceId, volume: volumeType, keyId, createdAt: createdAtMs, user } = options;
  const password = await readPassword(context.input(), context.terminal.err, context.stopping);
  const about = { operation, device: entraDeviceId, volume: volumeType };
  if (options.dryRun === true) {
    printResult(context, options, { ...about, outcome: 'valid' }, () => [
      'The recovery password is well-formed. Nothing was sent: this was a dry run.',
    ]);
    return EXIT.done;
  }
  const key: EscrowKey = {
    entraDeviceId,
    volumeType,
    password,
    ...(keyId === undefined ? {} : { keyId }),
    ...(createdAtMs === undefined ? {} : { createdAtMs }),
  };
  const services = await openServices(context);
  const { settings, clock } = services;
  const progress = createProgress(context.terminal.err, clock, 'plain');
  const level = settings.logLevel === 'info' ? 'warn' : settings.logLevel;
  const logger = createProgressLogger(progress, level, context.machine.printable);
  const { ledger, timing } = services.invocation(logger).deps;
  const deps = { escrow: services.escrow(logger), ledger, timing, clock };
  const row = { key, ...(user === undefined ? {} : { userId: user }) };
  const call = {
    priority: 'onDemand',
    deadlineAtMs: clock.nowMs() + PATIENCE_MS,
    signal: context.stopping,
  } as const;
  try {
    const outcome = await escrowKey(deps, operation, row, call);
    printResult(context, options, { ...about, ...documentOf(outcome) }, () =>
      outcome.kind === 'escrowed'
        ? [`The recovery key of device ${entraDeviceId} (${volumeType}) is in escrow${nameOf(outcome)}.`]
        : troubleLines(operation, outcome),
    );
    if (outcome.kind !== 'escrowed') return EXIT.failed;
    // Said first: if the ledger cannot be written now, the key is in escrow all the same.
    const imported = outcome.keyId ?? keyId;
    if (imported !== undefined) await recordImported(deps, entraDeviceId, imported);
    return EXIT.done;
  } finally {
    await services.pacer.flush();
  }
}

function nameOf({ keyId, createdAtMs }: Pick<EscrowOutcome & { kind: 'escrowed' }, 'keyId' | 'createdAtMs'>): string {
  const created = createdAtMs === undefined ? '' : `, created ${moment(createdAtMs)} UTC`;
  return keyId === undefined ? '' : ` as ${keyId}${created}`;
}

function troubleLines(operation: EscrowOperation, outcome: Trouble): readonly string[] {
  if (outcome.kind === 'notSupported') return notSupportedLines(operation, outcome.httpStatus);
  if (outcome.kind === 'refused' && outcome.httpStatus === 403) return FORBIDDEN_LINES;
  const ids = 'requestId' in outcome && outcome.requestId !== undefined ? [`Request ${outcome.requestId}.`] : [];
  const next =
    outcome.kind === 'uncertain'
      ? ["Look at the device's recovery keys in the portal before you send it again."]
      : outcome.kind === 'notSent'
        ? ['The tenant is throttling, or you stopped it; try again later.']
        : [];
  return [`The recovery key: ${troubleText(outcome)}.`, ...next, ...ids];
}

function documentOf(outcome: KeyOutcome): Readonly<Record<string, unknown>> {
  if (outcome.kind !== 'escrowed') {
    // The document names the device already.
    if (outcome.kind === 'rotationPending') return { outcome: outcome.kind };
    const { kind, ...details } = outcome;
    return { outcome: kind, ...details };
  }
  const { kind, createdAtMs, ...details } = outcome;
  const created = createdAtMs === undefined ? {} : { createdAt: new Date(createdAtMs).toISOString() };
  return { outcome: kind, ...details, ...created };
}
