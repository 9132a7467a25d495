/** `keyturn escrow add` and `keyturn escrow update`: recovery keys that are kept elsewhere, put into escrow. Layer: cli. */
import type { Command } from 'commander';
import { type EscrowOperation, isEscrowCreation } from '../../domain/escrow.ts';
import type { CliContext } from '../context.ts';
import {
  deviceOption,
  type EscrowOptions,
  instantOption,
  keyIdOption,
  userOption,
  volumeOption,
} from '../escrow/escrow-options.ts';
import { escrowCsv } from '../escrow/run-csv.ts';
import { escrowOne } from '../escrow/run-one.ts';
import { withoutDigits } from '../escrow/without-digits.ts';
import type { ExitCode } from '../exit-code.ts';
import { UsageError } from '../usage-error.ts';

const DESCRIPTIONS: Readonly<Record<EscrowOperation, string>> = {
  add: 'adds a recovery key to escrow, or with --csv as many as come',
  update: 'updates a recovery key in escrow, or with --csv as many as come',
};

const EXAMPLES: Readonly<Record<EscrowOperation, string>> = {
  add: `
The recovery password is read from standard input, and from nowhere else:
  npx keyturn escrow add --user ada@contoso.com --device <entra-device-id> --volume operatingSystemVolume < password.txt
  npx keyturn escrow add --csv --journal escrow.journal < keys.csv
The CSV needs a header with userId, deviceId, volumeType and recoveryPassword; keyId and createdDateTime may be there too.`,
  update: `
The recovery password is read from standard input, and from nowhere else:
  npx keyturn escrow update --device <entra-device-id> --volume operatingSystemVolume < password.txt
  npx keyturn escrow update --csv --journal escrow.journal < keys.csv
The CSV needs a header with deviceId, volumeType and recoveryPassword; keyId and createdDateTime may be there too.`,
};

/** Declares the group and its two commands. */
export function addEscrowCommand(
  program: Command,
  act: (operation: EscrowOperation, options: EscrowOptions) => Promise<void>,
): void {
  const group = program
    .command('escrow')
    .description('puts recovery keys that are kept elsewhere (MBAM, AD, ConfigMgr) into escrow')
    // What is quoted may be a recovery password in the wrong place.
    .configureOutput({ outputError: (text, write) => write(withoutDigits(text)) })
    .showHelpAfterError('(a recovery password is read from standard input only; see npx keyturn escrow add --help)');
  for (const operation of ['add', 'update'] as const) {
    const command = group.command(operation).description(DESCRIPTIONS[operation]);
    if (operation === 'add') {
      command.option('--user <id>', "the device's user, by object id or user principal name", userOption);
    }
    command
      .option('--device <id>', 'the device, by Entra device id', deviceOption)
      .option('--volume <type>', 'operatingSystemVolume, fixedDataVolume or removableDataVolume', volumeOption)
      .option('--key-id <id>', 'id of the recovery key, when it is known', keyIdOption)
      .option('--created-at <time>', 'when the key was created, ISO 8601, when it is known', instantOption)
      .option('--csv', 'read a CSV from standard input, with a header')
      .option('--journal <file>', `with --csv: where it is kept what was sent (default: escrow-${operation}.journal)`)
      .option('--dry-run', 'check everything, send nothing')
      .option('--json', 'print one JSON document')
      .addHelpText('after', EXAMPLES[operation])
      .action((options: EscrowOptions) => act(operation, options));
  }
}

/** @throws {UsageError} {@link SettingsError} {@link StorageError} {@link GraphError} */
export async function escrowCommand(
  context: CliContext,
  operation: EscrowOperation,
  options: EscrowOptions,
): Promise<ExitCode> {
  const single = ['user', 'device', 'volume', 'keyId', 'createdAt'] as const;
  if (options.csv === true) {
    const given = single.filter((name) => options[name] !== undefined);
    if (given.length > 0) throw new UsageError(`With --csv, ${given.map(flagOf).join(', ')} must come from the CSV.`);
    return escrowCsv(context, operation, options);
  }
  if (options.journal !== undefined) throw new UsageError('--journal is for --csv only.');
  const { user, device, volume, createdAt } = options;
  if (createdAt !== undefined && !isEscrowCreation(createdAt, context.machine.clock.nowMs())) {
    throw new UsageError('--created-at must be an instant from 2006 until now: no recovery key is older or younger.');
  }
  const missing = [
    ...(operation === 'add' && user === undefined ? ['--user'] : []),
    ...(device === undefined ? ['--device'] : []),
    ...(volume === undefined ? ['--volume'] : []),
  ];
  if (device === undefined || volume === undefined || missing.length > 0) {
    throw new UsageError(`${missing.join(', ')} must be given, or --csv for many keys.`);
  }
  return escrowOne(context, operation, { ...options, device, volume });
}

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
