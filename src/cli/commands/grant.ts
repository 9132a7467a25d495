/** `keyturn grant`: assigns the Graph app roles to the app's identity. Layer: cli. */
import { type Command, InvalidArgumentError } from 'commander';
import { grantRoles } from '../../app/grant-roles.ts';
import { createGrantServices } from '../../composition-grant.ts';
import { isGuid } from '../../domain/ids.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { features, WITH_HELP } from '../feature-options.ts';
import { createProgress } from '../progress.ts';
import { createProgressLogger } from '../progress-logger.ts';
import { grantLines, WHO_MAY_GRANT } from '../render/grant-lines.ts';
import { UsageError } from '../usage-error.ts';

export interface GrantOptions extends CommonOptions {
  readonly principal: string;
  readonly with?: readonly string[];
  readonly dryRun?: boolean;
}

/** Chosen: a dozen requests, and patience for a 429 or two; somebody is watching. */
const PATIENCE_MS = 180_000;

function principalId(text: string): string {
  if (isGuid(text)) return text.toLowerCase();
  throw new InvalidArgumentError(
    "It must be the identity's object id (principalId) or application id (clientId), a GUID.",
  );
}

/** Declares the command. */
export function addGrantCommand(program: Command, act: (options: GrantOptions) => Promise<void>): void {
  program
    .command('grant')
    .description('assigns the Microsoft Graph app roles that Keyturn needs to its identity')
    .requiredOption(
      '--principal <id>',
      "the identity's object id (principalId) or application id (clientId)",
      principalId,
    )
    .option('--with <features>', WITH_HELP, features)
    .option('--dry-run', 'only look, and say what would be assigned')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Needs TENANT_ID (and GRAPH_CLOUD), no storage. Looks first and assigns what is missing, so it can be run again.

${WHO_MAY_GRANT.join('\n')}

Examples:
  $ npx keyturn grant --principal <principalId> --dry-run
  $ npx keyturn grant --principal <principalId> --with scripts

Exit codes: 0 every role is there (or would be), 1 not every role, 2 usage, settings or an unknown principal.`,
    )
    .action(act);
}

/** @throws {UsageError} for a principal nobody knows. @throws {SettingsError} {@link GraphError} */
export async function grantCommand(context: CliContext, options: GrantOptions): Promise<ExitCode> {
  const { err } = context.terminal;
  const { clock, printable } = context.machine;
  const progress = createProgress(err, clock, 'plain');
  const { settings, directory, needed } = createGrantServices(context.environment, options.with ?? [], ({ logLevel }) =>
    createProgressLogger(progress, logLevel === 'info' ? 'warn' : logLevel, printable),
  );
  const call = {
    priority: 'onDemand',
    deadlineAtMs: clock.nowMs() + PATIENCE_MS,
    signal: context.stopping,
  } as const;
  const mode = options.dryRun === true ? 'dryRun' : 'really';
  const report = await grantRoles({ directory, clock }, options.principal, needed, mode, call);
  if (report === undefined) {
    throw new UsageError(
      `Tenant ${settings.tenantId} has no service principal with object id or application id ${options.principal}. Of a managed identity ` +
        'take principalId, the output of the deployment or `az identity show --query principalId`; one made just now takes a minute to appear.',
    );
  }
  printResult(context, options, report, (style, columns) => grantLines(report, style, columns));
  return report.ok ? EXIT.done : EXIT.failed;
}
