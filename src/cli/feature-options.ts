/** `--with`: what Keyturn is also to do, by name. Layer: cli. */
import { InvalidArgumentError } from 'commander';
import { OPTIONAL_FEATURES } from '../composition-grant.ts';

/** The short name people use; the long ones are those of the code. */
const SHORT: Readonly<Record<string, string>> = { scripts: 'scriptTargets' };

/** What `--help` says. */
export const WITH_HELP =
  'what else Keyturn is to do, comma-separated: scripts (targets of on-demand requests that name a script), recordToGraph (as RECORD_TO_GRAPH)';

/** Comma-separated features; the option may also come several times. */
export function features(text: string, before: readonly string[] = []): readonly string[] {
  const named = text.split(',').map((name) => SHORT[name.trim()] ?? name.trim());
  const unknown = named.filter((name) => !OPTIONAL_FEATURES.includes(name));
  if (unknown.length > 0) {
    const known = OPTIONAL_FEATURES.map((name) => Object.entries(SHORT).find(([, long]) => long === name)?.[0] ?? name);
    throw new InvalidArgumentError(`It must be one or several of ${known.join(', ')}.`);
  }
  return [...new Set([...before, ...named])];
}
