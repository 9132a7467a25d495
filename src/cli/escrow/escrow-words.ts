/** What to say about answers to escrow requests, and what to do next. Data. Layer: cli. */
import type { KeyOutcome } from '../../app/escrow/escrow-key.ts';
import type { EscrowOperation } from '../../domain/escrow.ts';

/** Answers that somebody has to do something about. */
export type Trouble = Exclude<KeyOutcome, { readonly kind: 'escrowed' }>;

/** Why one key is not known to be in escrow. */
export function troubleText(outcome: Trouble): string {
  switch (outcome.kind) {
    case 'refused':
      return `the tenant refused it (${outcome.httpStatus})${REFUSAL_MEANING[outcome.httpStatus] ?? ''}; nothing was changed`;
    case 'notSupported':
      return `the tenant does not take it (${outcome.httpStatus}); nothing was changed`;
    case 'uncertain':
      return `sent, and the answer was lost (${outcome.httpStatus ?? 'no answer'}); it may be in escrow`;
    case 'rotationPending':
      return (
        'not sent: a rotation of this device is under way; send its key once that has settled ' +
        `(\`npx keyturn status --device ${outcome.entraDeviceId}\` tells)`
      );
    case 'notSent':
      return 'not sent';
  }
}

const REFUSAL_MEANING: Readonly<Record<number, string>> = {
  400: ': it does not take these values, or the device has 200 keys already',
  403: ': the identity may not do this',
  404: ': it knows no such user, device or key',
  409: ': there is a key with that id already',
};

/** What 405 and its like mean, and what else can be done. */
export function notSupportedLines(operation: EscrowOperation, httpStatus: number): readonly string[] {
  return [
    `This tenant does not perform \`escrow ${operation}\` (${httpStatus}). Nothing was changed.`,
    "Microsoft's reference pages describe the operation, but Graph's current metadata marks the collection of recovery keys as not insertable.",
    'A device can put its own key into escrow: run BackupToAAD-BitLockerKeyProtector on it (see docs/escrow.md).',
  ];
}

/** What a 403 means. */
export const FORBIDDEN_LINES: readonly string[] = [
  "The tenant refused the first request (403): the app's identity may not put keys into escrow. Nothing was changed.",
  'The reference pages leave open which permission it takes; see docs/escrow.md. A token that was issued before a grant lacks it for up to 24 h.',
];
