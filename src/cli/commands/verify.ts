/** `keyturn verify`: whether an evidence file is what was written, by itself, by the ledger, and by what Graph says now. Layer: cli. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { checkProofs, FileChangedError, type ProofCheck } from '../../app/evidence/check-proofs.ts';
import { compareWithLedger, type LedgerComparison } from '../../app/evidence/compare-with-ledger.ts';
import {
  isWhole,
  TooManyBrokenLinesError,
  type Verification,
  verifyEvidence,
} from '../../app/evidence/verify-evidence.ts';
import { createVerifyServices, type Quota } from '../../composition-verify.ts';
import { plural } from '../../domain/plain-figures.ts';
import type { CallOptions } from '../../domain/ports.ts';
import { SettingsError } from '../../domain/settings-error.ts';
import { StorageError } from '../../domain/storage-error.ts';
import { createServices, type Services } from '../../services.ts';
import { type CliContext, type CommonOptions, printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { explainError } from '../explain-error.ts';
import { createProgress, progressForm } from '../progress.ts';
import { createProgressLogger } from '../progress-logger.ts';
import { createStyle } from '../render/style.ts';
import { visible } from '../render/text.ts';
import { comparisonLines, fileLines } from '../render/verify-lines.ts';
import { UsageError } from '../usage-error.ts';

export interface VerifyOptions extends CommonOptions {
  readonly graph?: boolean;
}

/** What came of asking the tenant. */
export type GraphCheck =
  | ({ readonly kind: 'checked'; readonly quota: Quota } & ProofCheck)
  | { readonly kind: 'notChecked'; readonly because: string };

/** Everything there is to say about a file. */
export interface VerifyResult {
  /** As it was given. */
  readonly file: string;
  readonly verification: Verification;
  readonly ledger: LedgerComparison;
  /** Absent without `--graph`. */
  readonly graph?: GraphCheck;
}

/** Declares the command. */
export function addVerifyCommand(program: Command, act: (file: string, options: VerifyOptions) => Promise<void>): void {
  program
    .command('verify')
    .description("recompute an evidence file's chain and figures, and compare it with the ledger when there is one")
    .argument('<file>', 'an evidence file, evidence-N.csv')
    .option('--graph', 'also ask the tenant whether every proof still stands')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Works on the file alone, offline; what the file says by itself is printed, whatever comes of the rest.
--graph needs TENANT_ID (and GRAPH_CLOUD), no storage.

Exit codes: 0 all agrees, 1 something does not or could not be checked, 2 usage or settings.`,
    )
    .action(act);
}

/**
 * What the file says by itself is printed first, or is in the one document, whatever becomes of the comparisons.
 * @throws {UsageError} for a file that cannot be read. @throws what kept `--graph` from being answered, after all was printed.
 */
export async function verifyCommand(context: CliContext, file: string, options: VerifyOptions): Promise<ExitCode> {
  const verification = await readFile(context, file);
  if (verification instanceof TooManyBrokenLinesError) {
    const because = verification.message;
    printResult(context, options, { file, agrees: false, because }, () => [
      visible(`${file} does not hold: ${because}.`),
    ]);
    return EXIT.failed;
  }
  const { out } = context.terminal;
  const style = createStyle(out.hasColor);
  if (options.json !== true) out.write(`${fileLines(file, verification, style).join('\n')}\n`);
  const ledger = await askLedger(context, verification);
  const asked = options.graph === true ? await askGraph(context, file, verification, options) : undefined;
  const result: VerifyResult = { file, verification, ledger, ...(asked === undefined ? {} : { graph: asked.check }) };
  printResult(context, options, documentOf(result), () => comparisonLines(result, style));
  if (asked?.fault !== undefined) throw asked.fault.error;
  return isAgreed(result) ? EXIT.done : EXIT.failed;
}

async function readFile(context: CliContext, file: string): Promise<Verification | TooManyBrokenLinesError> {
  try {
    return await verifyEvidence(() => contentOf(context, file), { canReopen: await isRegular(context, file) });
  } catch (error) {
    if (error instanceof TooManyBrokenLinesError) return error;
    throw error;
  }
}

function documentOf(result: VerifyResult): unknown {
  const { file, ledger, graph, verification } = result;
  const { head, digest, ...found } = verification;
  // Of a broken chain it is only what the last line says.
  const named = verification.problems.length === 0 ? { digest } : { statedDigest: digest };
  return {
    file,
    agrees: isAgreed(result),
    ...(head === undefined ? {} : { run: head }),
    ...(digest === undefined ? {} : named),
    ...found,
    ledger,
    graph: graph ?? null,
  };
}

function isAgreed({ verification, ledger, graph }: VerifyResult): boolean {
  const stands = graph === undefined || (graph.kind === 'checked' && graph.proven === graph.agreed);
  return isWhole(verification) && ledger.kind !== 'differs' && stands;
}

/** A file that can be read as often as one likes; `false` for a pipe, and for what cannot be read at all. */
async function isRegular(context: CliContext, file: string): Promise<boolean> {
  const stats = await stat(path.resolve(context.directory, file)).catch(() => undefined);
  return stats?.isFile() === true;
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
    const names = [...new Set(error.problems.map(({ name }) => name))].join(', ');
    const isMissing = error.problems.every(({ given }) => given === 'nothing');
    return {
      kind: 'notCompared',
      because: `${isMissing ? 'no ledger is configured' : 'the settings are wrong'} (${names})`,
    };
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

interface Asked {
  readonly check: GraphCheck;
  /** Why there is no answer. */
  readonly fault?: { readonly error: unknown };
}

/** Never throws: the rest of what is known of the file is to be told all the same. */
async function askGraph(
  context: CliContext,
  file: string,
  verification: Verification,
  options: VerifyOptions,
): Promise<Asked> {
  try {
    return { check: await checkWithTenant(context, file, verification, options) };
  } catch (error) {
    return { check: { kind: 'notChecked', because: reasonOf(context, error) }, fault: { error } };
  }
}

/** In a line. */
function reasonOf({ stopping, machine }: CliContext, error: unknown): string {
  if (stopping.aborted && error === stopping.reason) return 'it was stopped';
  if (error instanceof SettingsError) {
    const names = new Set(error.problems.map(({ name }) => name));
    return `the settings do not allow it (${[...names].join(', ')})`;
  }
  return explainError(error, 'message', machine.printable).lines[0] ?? '';
}

/** @throws {UsageError} {@link SettingsError} {@link GraphError} {@link StorageError} */
async function checkWithTenant(
  context: CliContext,
  file: string,
  { head, sha256 }: Verification,
  options: VerifyOptions,
): Promise<GraphCheck> {
  if (!(await isRegular(context, file))) {
    throw new UsageError(`--graph reads the file once more, and ${file} can be read only once. Save it first.`);
  }
  const { err } = context.terminal;
  const progress = createProgress(err, context.machine.clock, progressForm(err, options));
  const services = createVerifyServices(context.environment, ({ logLevel }) =>
    createProgressLogger(progress, logLevel === 'info' ? 'warn' : logLevel, context.machine.printable),
  );
  const { settings, tenant, quota } = services;
  if (head?.tenantId !== settings.tenantId) {
    throw new UsageError(
      `--graph asks tenant ${settings.tenantId}, which the settings name; the file is of ${head?.tenantId ?? 'a tenant it does not name'}.`,
    );
  }
  const call: CallOptions = { priority: 'bulk', deadlineAtMs: Number.POSITIVE_INFINITY, signal: context.stopping };
  try {
    const content = contentOf(context, file);
    const check = await checkProofs(tenant, { content, sha256 }, call, (checked) => {
      const plain = `${plural(checked, 'proof')} checked`;
      progress.show({ stage: 'proofs', plain, draw: () => [plain] });
    });
    return { kind: 'checked', quota, ...check };
  } catch (error) {
    if (!(error instanceof FileChangedError)) throw error;
    throw new UsageError(
      `${file} changed while it was read: nothing of it is certain. Verify a copy that nobody writes to.`,
    );
  } finally {
    progress.end();
    await services.close();
  }
}
