/** How to use the simulated tenant, and what it saw. Pure. Layer: cli. */

import { number, plural, span } from '../../domain/plain-figures.ts';
import type { Style } from './style.ts';

export interface SimulatorFacts {
  readonly url: string;
  readonly tenantId: string;
  readonly devices: number;
  /** Of them: the others are never listed. */
  readonly windowsDevices: number;
  readonly seed: number;
  readonly speed: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** Shell lines: comments and exports, so that the whole can be pasted or sourced. */
export function simulatorLines(facts: SimulatorFacts, style: Style): readonly string[] {
  const time =
    facts.speed === 1
      ? 'in real time'
      : `${number(facts.speed)} times faster: an hour passes in ${span(3_600_000 / facts.speed)}`;
  return [
    style.dim(
      `# Simulated tenant at ${facts.url}: ${plural(facts.devices, 'device')}, ${number(facts.windowsDevices)} with Windows, seed ${facts.seed}, ${time}.`,
    ),
    style.dim('# In another shell, with AzureWebJobsStorage set (UseDevelopmentStorage=true for a local Azurite):'),
    ...Object.entries(facts.settings).map(([name, value]) => `export ${name}='${value}'`),
    style.dim('# then for example: npx keyturn plan. Ctrl-C here ends the tenant.'),
  ];
}

export function simulatorEndLines(
  seen: {
    readonly httpRequests: number;
    readonly rotationsAccepted: number;
    readonly violationCounts: Readonly<Record<string, number>>;
  },
  style: Style,
): readonly string[] {
  const violations = Object.entries(seen.violationCounts).map(([kind, n]) => `${n} ${kind}`);
  return [
    `${plural(seen.httpRequests, 'request')}, ${plural(seen.rotationsAccepted, 'rotation')} accepted; ` +
      (violations.length === 0 ? style.good('no rule broken') : style.bad(`rules broken: ${violations.join(', ')}`)),
  ];
}
