/** The first two lines of a report: did it work, and what needs somebody. Pure. Layer: domain. */
import { number, percent, plural } from '../plain-figures.ts';
import { SKIP_REASONS } from '../rotation.ts';
import type { DeviceOutcome } from './device-outcome.ts';
import { needsAttention } from './outcome-words.ts';
import type { ReportModel } from './report-model.ts';

export interface Verdict {
  readonly tone: 'good' | 'warn' | 'bad' | 'neutral';
  readonly headline: string;
  /** One sentence each. */
  readonly needs: readonly string[];
}

const ABORTED = {
  canaryFailed: 'too few of its canaries were proven, so the fleet was not asked',
  circuitBreaker: 'too many requests were refused, or failed on the device',
} as const;

/** Who stopped itself waits for somebody to say why. */
const AFTER_ABORT = {
  canaryFailed: 'Find out what kept the canaries from proof before the next run: the outcomes say what became of each.',
  circuitBreaker: 'Find out why before the next run: the outcomes say what was refused, or failed.',
} as const;

/** In the words of the person who wants to go home. */
export function verdictOf(model: ReportModel): Verdict {
  const { run, state, funnel, inDanger, needAttention, figures, outcomes } = model;
  const others = needAttention - inDanger;
  const lost = unresolvedCount(run.unresolved ?? []);
  const passedOver = run.targets === undefined || funnel.due === 0 ? 0 : passedOverCount(outcomes);
  const needs = [
    ...(run.abortReason === undefined ? [] : [AFTER_ABORT[run.abortReason]]),
    ...(inDanger === 0
      ? []
      : [
          `${plural(inDanger, 'device')} may hold a key that escrow does not have: take ${inDanger === 1 ? 'it' : 'them'} first.`,
        ]),
    ...(others === 0
      ? []
      : [
          `${number(others)}${inDanger === 0 ? '' : ' more'} ${others === 1 ? 'device needs' : 'devices need'} somebody: the tables say what for.`,
        ]),
    ...(passedOver === 0
      ? []
      : [
          `${number(passedOver)}${others === 0 ? '' : ' more'} of those named ${passedOver === 1 ? 'was' : 'were'} not asked: the outcomes say why.`,
        ]),
    ...(lost === 0 ? [] : [`${lost === 1 ? 'One target names' : `${number(lost)} targets name`} no device.`]),
  ];
  const asked = needs.length === 0 ? ['Nothing needs you.'] : needs;
  const late = outcomes.find(({ outcome }) => outcome === 'provenLate')?.devices ?? 0;
  const since = late === 0 ? '' : `, and ${number(late)} more since the run ended`;
  const proofs = `${number(funnel.proven)} of ${number(funnel.due)} due ${funnel.due === 1 ? 'key is' : 'keys are'} rotated and proven${since}`;

  if (run.abortReason !== undefined)
    return { tone: 'bad', headline: `Stopped early: ${ABORTED[run.abortReason]}. ${proofs}.`, needs: asked };
  if (lost > 0 && figures.devices === 0) {
    const headline = `No device was found by ${run.targets === 1 ? 'the name' : 'the names'} given: nothing was asked.`;
    return { tone: 'warn', headline, needs };
  }
  if (state === 'planning') return { tone: 'neutral', headline: 'Still planning.', needs: asked };
  if (run.dryRun)
    return {
      tone: 'neutral',
      headline: `Dry run: nothing was sent. ${plural(funnel.due, 'device')} of ${number(figures.devices)} would be asked.`,
      needs: asked,
    };
  if (state !== 'completed') return { tone: 'neutral', headline: `Still ${state}: ${proofs} so far.`, needs: asked };
  if (funnel.due === 0 && run.targets !== undefined) {
    const headline =
      figures.devices === 1
        ? 'The device that was named could not be asked.'
        : `None of the ${number(figures.devices)} devices that were named could be asked.`;
    return { tone: 'warn', headline, needs: needs.length === 0 ? ['The outcomes say why.'] : needs };
  }
  const clean = needs.length === 0 ? 'good' : 'warn';
  if (funnel.due === 0)
    return { tone: clean, headline: `No key was due among ${plural(figures.devices, 'device')}.`, needs: asked };
  const proven = funnel.proven + late;
  const share = proven / funnel.due;
  const tone = inDanger > 0 || share < 0.5 ? 'bad' : clean;
  return { tone, headline: `${proofs}${proven === funnel.due ? '' : ` (${percent(share, 1)})`}.`, needs: asked };
}

/** Skipped for a reason that a later run would see to by itself, if there was one. */
function passedOverCount(outcomes: ReportModel['outcomes']): number {
  return outcomes
    .filter(({ outcome }) => isSkipReason(outcome) && !needsAttention(outcome))
    .reduce((sum, { devices }) => sum + devices, 0);
}

function isSkipReason(outcome: DeviceOutcome): boolean {
  return (SKIP_REASONS as readonly DeviceOutcome[]).includes(outcome);
}

/** A long list ends with how many more there were. */
function unresolvedCount(unresolved: readonly string[]): number {
  const more = /^and (\d+) more$/.exec(unresolved.at(-1) ?? '')?.[1];
  return more === undefined ? unresolved.length : unresolved.length - 1 + Number(more);
}
