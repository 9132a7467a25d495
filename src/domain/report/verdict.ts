/** The first two lines of a report: did it work, and what needs somebody. Pure. Layer: domain. */
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

/** In the words of the person who wants to go home. */
export function verdictOf(model: ReportModel): Verdict {
  const { run, state, funnel, inDanger, needAttention, figures } = model;
  const others = needAttention - inDanger;
  const needs = [
    ...(inDanger === 0
      ? []
      : [
          `${devices(inDanger)} may hold a key that escrow does not have: take ${inDanger === 1 ? 'it' : 'them'} first.`,
        ]),
    ...(others === 0
      ? []
      : [
          `${number(others)}${inDanger === 0 ? '' : ' more'} ${others === 1 ? 'device needs' : 'devices need'} somebody: the tables say what for.`,
        ]),
    ...(run.unresolved === undefined || run.unresolved.length === 0
      ? []
      : [
          `${run.unresolved.length === 1 ? 'One target names' : `${number(run.unresolved.length)} targets name`} no device.`,
        ]),
  ];
  const asked = needs.length === 0 ? ['Nothing needs you.'] : needs;
  const proofs = `${number(funnel.proven)} of ${number(funnel.due)} due ${funnel.due === 1 ? 'key is' : 'keys are'} rotated and proven`;

  if (run.abortReason !== undefined)
    return { tone: 'bad', headline: `Stopped early: ${ABORTED[run.abortReason]}. ${proofs}.`, needs: asked };
  if (run.dryRun)
    return {
      tone: 'neutral',
      headline: `Dry run: nothing was sent. ${devices(funnel.due)} of ${number(figures.devices)} would be asked.`,
      needs: asked,
    };
  if (state !== 'completed') return { tone: 'neutral', headline: `Still ${state}: ${proofs} so far.`, needs: asked };
  if (funnel.due === 0)
    return { tone: 'good', headline: `No key was due among ${devices(figures.devices)}.`, needs: asked };
  const share = funnel.proven / funnel.due;
  const tone = inDanger > 0 || share < 0.5 ? 'bad' : needAttention > 0 ? 'warn' : 'good';
  return { tone, headline: `${proofs}${funnel.proven === funnel.due ? '' : ` (${percent(share)})`}.`, needs: asked };
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function devices(count: number): string {
  return `${number(count)} ${count === 1 ? 'device' : 'devices'}`;
}

/** Never rounded up to a whole that is not there. */
function percent(share: number): string {
  return `${(Math.floor(share * 1_000) / 10).toLocaleString('en-US')} %`;
}
