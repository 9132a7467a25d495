/** `keyturn verify`: whether an evidence file is what was written, by itself, by the ledger, and by what Graph says now. Layer: cli. */
import { createReadStream } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { checkProofs, FileChangedError, type ProofCheck } from '../../app/evidence/check-proofs.ts';
import { compareWithLedger, type LedgerComparison } from '../../app/evidence/compare-with-ledger.ts';
import { isWhole, type Verification, verifyEvidence } from '../../app/evidence/verify-evidence.ts';
import { plural } from '../../domain/plain-figures.ts';
import type { CallOptions } from '../../domain/ports.ts';
import { SettingsError } from '../../domain/settings-error.ts';
import { StorageError } from '../../domain/storage-error.ts';
import { createServices, type Services } from '../../services.ts';
import { type CliContext, type CommonOptions, printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { createProgress, progressForm } from '../progress.ts';
import { createProgressLogger } from '../progress-logger.ts';
import { verifyLines } from '../render/verify-lines.ts';
import { UsageError } from '../usage-error.ts';

export interface VerifyOptions extends CommonOptions {
  readonly graph?: boolean;
}

/** Everything there is to say about a file. */
export interface VerifyResult {
  /** As it was given. */
  readonly file: string;
  readonly verification: Verification;
  readonly ledger: LedgerComparison;
  /** Absent without `--graph`. */
  readonly graph?: ProofCheck;
}

/** Declares the command. */
export function addVerifyCommand(program: Command, act: (file: string, options: VerifyOptions) => Promise<void>): void {
  program
    .command('verify')
    .description("recompute an evidence file's chain and figures, and compare it with the ledger when there is one")
    .argument('<file>', 'an evidence file, evidence-N.csv')
    .option('--graph', 'also ask the tenant whether every proof still stands')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nWorks on the file alone, offline. Ends with 1 when anything does not agree.')
    .action(act);
}

/** @throws {UsageError} for a file that cannot be read. With `--graph`: @throws {SettingsError} {@link GraphError} */
export async function verifyCommand(context: CliContext, file: string, options: VerifyOptions): Promise<ExitCode> {
  const verification = await verifyEvidence(contentOf(context, file));
  const ledger = await askLedger(context, verification);
  const graph = options.graph === true ? await askGraph(context, file, verification, options) : undefined;
  const result: VerifyResult = { file, verification, ledger, ...(graph === undefined ? {} : { graph }) };
  const agrees = isAgreed(result);
  const { head, ...found } = verification;
  const document = {
    file,
    agrees,
    ...(head === undefined ? {} : { run: head }),
    ...found,
    ledger,
    graph: graph ?? null,
  };
  printResult(context, options, document, (style) => verifyLines(result, style));
  return agrees ? EXIT.done : EXIT.failed;
}

function isAgreed({ verification, ledger, graph }: VerifyResult): boolean {
  return isWhole(verification) && ledger.kind !== 'differs' && graph?.proven === graph?.agreed;
}

/** Chosen: few reads of the disk, and little memory. */
const READ_BYTES = 1024 * 1024;

async function* contentOf(context: CliContext, file: string): AsyncGenerator<Uint8Array> {
  const signal = context.stopping;
  try {
    yield* createReadStream(path.resolve(context.directory, file), { signal, highWaterMark: READ_BYTES });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new UsageError(`${file} cannot be read (${why}).`);
  }
}

/** Creates nothing: whoever verifies may have no more than read access. */
async function askLedger(context: CliContext, verification: Verification): Promise<LedgerComparison> {
  const { head } = verification;
  let services: Services;
  try {
    services = createServices({ environment: context.environment });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const names = error.problems.map(({ name }) => name);
    return { kind: 'notCompared', because: `no ledger is configured (${[...new Set(names)].join(', ')})` };
  }
  const { tenantId } = services.settings;
  if (head !== undefined && head.tenantId !== tenantId) {
    return { kind: 'notCompared', because: `the settings are of tenant ${tenantId}, the file of ${head.tenantId}` };
  }
  try {
    return await compareWithLedger(services.storage, verification);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return { kind: 'notCompared', because: error.message };
  }
}

async function askGraph(
  context: CliContext,
  file: string,
  { head, sha256 }: Verification,
  options: VerifyOptions,
): Promise<ProofCheck> {
  const services = createServices({ environment: context.environment });
  const { tenantId, logLevel } = services.settings;
  if (head?.tenantId !== tenantId) {
    throw new UsageError(
      `--graph asks tenant ${tenantId}, which the settings name; the file is of ${head?.tenantId ?? 'a tenant it does not name'}.`,
    );
  }
  const progress = createProgress(context.terminal.err, services.clock, progressForm(context.terminal.err, options));
  const logger = createProgressLogger(progress, logLevel === 'info' ? 'warn' : logLevel, context.machine.printable);
  const { deps } = services.invocation(logger);
  const call: CallOptions = { priority: 'bulk', deadlineAtMs: Number.POSITIVE_INFINITY, signal: context.stopping };
  try {
    const content = contentOf(context, file);
    return await checkProofs(deps.tenant, { content, sha256 }, call, (checked) => {
      const plain = `${plural(checked, 'proof')} checked`;
      progress.show({ stage: 'proofs', plain, draw: () => [plain] });
    });
  } catch (error) {
    if (!(error instanceof FileChangedError)) throw error;
    throw new UsageError(
      `${file} changed while it was read: nothing of it is certain. Verify a copy that nobody writes to.`,
    );
  } finally {
    progress.end();
    await services.pacer.flush();
  }
}
