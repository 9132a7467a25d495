/** Lists the devices a script fails on, in chunks that survive a crash. Layer: app. */
import type { EligibilityRules } from '../../domain/eligibility.ts';
import { GraphError, type GraphErrorKind } from '../../domain/graph-error.ts';
import type { CallOptions } from '../../domain/ports.ts';
import type { Run } from '../../domain/run.ts';
import { isPathSegment, type ScriptKind } from '../../domain/targets.ts';
import type { ScriptRunState } from '../../domain/tenant.ts';
import type { Bounds, Deps } from '../deps.ts';
import type { Chunk } from './chunk-file.ts';
import { encodeRoutedDevices, type RoutedDevice, recordEnd } from './device-records.ts';
import { readChunks } from './list-fleet.ts';
import { listingPrefix, numbered } from './plan-files.ts';
import { readListing } from './read-listing.ts';
import { type MayPass, type Refusal, refusalOf } from './refusal.ts';

/** What a place in a listing that is no longer good is answered with, or leads to. */
const REFUSED: ReadonlySet<GraphErrorKind> = new Set(['notFound', 'badRequest', 'untrustedLink']);

/** A script, and the number of the target that names it. */
export interface FailingScript {
  readonly number: number;
  readonly script: ScriptKind;
  readonly scriptId: string;
}

/** What a script's run states say. */
export interface FailingDevices {
  /** Device records with their routes. */
  readonly chunks: readonly Chunk[];
  /** What there is to say of the target. */
  readonly refusal?: Refusal;
}

/**
 * Every device whose run state says that the script detected a problem, asked for by that run state; a listing that fails is refused in
 * words, beside what it read. `undefined`: the invocation ended first. @throws {GraphError} kind `throttled` or `unauthorized`.
 */
export async function listFailing(
  deps: Deps,
  run: Run,
  bounds: Bounds,
  rules: EligibilityRules,
  { number, script, scriptId }: FailingScript,
  options: CallOptions,
): Promise<FailingDevices | undefined> {
  const prefix = listingPrefix(run.tenantId, run.runId, `script-${numbered(number)}`);
  let refusal: Refusal | undefined;
  try {
    const list = () =>
      readListing(deps, bounds, {
        prefix,
        pages: (from) => deps.tenant.runStatePages(script, scriptId, from, options),
        encode: (states) => encodeRoutedDevices(failingDevices(states, script, scriptId), rules),
        countGone: (states) => states.filter((state) => state.isFailing && state.device === undefined).length,
      });
    const listed = await list().catch(async (error: unknown) => {
      // In the middle it is the place that Graph no longer takes: the saved one is tried once, then the listing begins anew.
      if (!isRefused(error) || !(await hasBegun(deps, prefix))) throw error;
      return list();
    });
    if (listed.kind === 'over') return undefined;
  } catch (error) {
    refusal = await whyUnlisted(deps, prefix, error);
  }
  const chunks = (await readChunks(deps, prefix)).map(counted);
  const gone = chunks.reduce((sum, { header }) => sum + (header.gone ?? 0), 0);
  if (gone > 0)
    refusal ??= {
      refused: `${gone === 1 ? 'a failing device is' : `${gone} failing devices are`} no longer in Intune`,
    };
  if (chunks.every(({ header }) => header.count === 0)) refusal ??= { refused: 'no device is failing' };
  return refusal === undefined ? { chunks } : { chunks, refusal };
}

function failingDevices(
  states: readonly ScriptRunState[],
  script: ScriptKind,
  scriptId: string,
): readonly RoutedDevice[] {
  return states.flatMap(({ isFailing, device, runStateId }): RoutedDevice[] => {
    if (!isFailing || device === undefined) return [];
    // An id that no URL can hold leaves the plain form.
    return isPathSegment(runStateId)
      ? [{ device, route: { via: script, scriptId, deviceRunStateId: runStateId } }]
      : [{ device }];
  });
}

/** What to say of a listing that fails. One that was under way keeps what it read. @throws what concerns every read. */
async function whyUnlisted(deps: Deps, prefix: string, error: unknown): Promise<Refusal> {
  if (error instanceof GraphError && error.kind === 'notFound') return { refused: 'no such script' };
  const what = (await hasBegun(deps, prefix))
    ? 'Graph stopped listing its run states'
    : 'Graph cannot list its run states';
  const refusal = refusalOf(deps, what, error);
  // Of one listing nobody can tell whether Graph fails or the script: it is not waited for without end.
  return refusal.mayPass === undefined ? refusal : { ...refusal, mayPass: waitOf(refusal.mayPass) };
}

function waitOf({ isOutage: _isOutage, ...wait }: MayPass): MayPass {
  return wait;
}

function isRefused(error: unknown): boolean {
  return error instanceof GraphError && REFUSED.has(error.kind);
}

async function hasBegun(deps: Deps, prefix: string): Promise<boolean> {
  return (await deps.workFiles.list(prefix)).length > 0;
}

/** The listing counts run states; a fleet makes room for the devices. */
function counted(chunk: Chunk): Chunk {
  const body = chunk.body as Buffer;
  let count = 0;
  for (let at = 0; at < body.length; at = recordEnd(body, at)) count += 1;
  return { ...chunk, header: { ...chunk.header, count } };
}
