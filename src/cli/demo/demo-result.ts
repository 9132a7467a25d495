/** Compares what a run says with what the simulated devices really did. Pure. Layer: cli. */
import type { RunReport } from '../../app/report-run.ts';
import type { Rotation } from '../../domain/rotation.ts';
import type { StateCounts } from '../../domain/run.ts';
import type { Referee } from '../../simulator/referee.ts';
import type { DeviceTruth } from '../../simulator/truth.ts';

/** Devices that were not proven although due, or that a full escrow kept from being asked: one line each kind. */
export interface NotProven {
  /** The state the run reports, or the reason it skipped. */
  readonly reported: string;
  /** What the device really did, from the simulator. */
  readonly truth: string;
  readonly devices: number;
  /** A few of them. */
  readonly names: readonly string[];
}

export interface DemoFacts {
  readonly report: RunReport;
  readonly rotations: readonly Rotation[];
  readonly truth: readonly DeviceTruth[];
  readonly referee: Pick<Referee, 'violationCounts' | 'classes' | 'httpRequests' | 'rotationsAccepted'>;
}

export interface DemoResult {
  /** Everything agrees, the run is complete and no rule was broken. */
  readonly agrees: boolean;
  /** What does not agree, in words. */
  readonly problems: readonly string[];
  readonly devices: number;
  readonly counts: StateCounts;
  readonly proven: number;
  /** Devices with a new key in escrow, by the simulator's own account. */
  readonly rotatedByDevices: number;
  readonly notProven: readonly NotProven[];
  readonly throttled: number;
  readonly violations: number;
  readonly httpRequests: number;
  readonly requestsAccepted: number;
}

const NAMES_SHOWN = 2;
/** States of devices whose request Graph accepted. */
const ACCEPTED_STATES: ReadonlySet<Rotation['state']> = new Set([
  'requested',
  'confirmed',
  'proven',
  'failed',
  'overdue',
]);

export function compareWithTruth({ report, rotations, truth, referee }: DemoFacts): DemoResult {
  const problems: string[] = [];
  const expect = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  const byManaged = new Map(truth.map((device) => [device.managedDeviceId, device]));

  const counts: Partial<Record<Rotation['state'], number>> = {};
  for (const { state } of rotations) counts[state] = (counts[state] ?? 0) + 1;
  const sum = Object.values(report.counts).reduce((total, n) => total + n, 0);
  // Only Windows devices are listed; every one of them must have a row.
  const listed = truth.filter(({ kind }) => kind !== 'otherPlatform').length;

  const provenIds = new Set(
    rotations.filter(({ state }) => state === 'proven').map(({ entraDeviceId }) => entraDeviceId as string),
  );
  const rotatedIds = new Set(truth.filter(({ rotated }) => rotated > 0).map(({ entraDeviceId }) => entraDeviceId));
  const unproven = [...rotatedIds].filter((id) => !provenIds.has(id)).length;
  const unfounded = [...provenIds].filter((id) => !rotatedIds.has(id)).length;
  const wrongKeys = rotations.filter(
    ({ state, managedDeviceId, keyAfterId }) =>
      state === 'proven' && byManaged.get(managedDeviceId)?.newestKey?.keyId !== keyAfterId,
  ).length;
  const accepted = rotations.filter(({ state }) => ACCEPTED_STATES.has(state)).length;
  const askedTwice = truth.filter(({ requested }) => requested > 1).length;
  const violations = Object.values(referee.violationCounts).reduce((total, n) => total + n, 0);

  expect(
    report.state === 'completed',
    `the run is ${report.state}${report.abortReason === undefined ? '' : ` (${report.abortReason})`}, not completed`,
  );
  expect(sum === report.devices, `the counts add up to ${sum}, not to ${report.devices} devices`);
  expect(rotations.length === listed, `the run has ${rotations.length} devices, the tenant lists ${listed}`);
  expect(sameCounts(counts, report.counts), 'the counts of the run are not those of its devices');
  expect(unfounded === 0, `${unfounded} called proven whose device did not rotate`);
  expect(unproven === 0, `${unproven} rotated and not called proven`);
  expect(wrongKeys === 0, `${wrongKeys} proven by another key than the newest in escrow`);
  expect(
    accepted === referee.rotationsAccepted,
    `${accepted} requests on record, ${referee.rotationsAccepted} accepted by the tenant`,
  );
  expect(askedTwice === 0, `${askedTwice} devices asked more than once`);
  expect(violations === 0, `the referee saw rules broken: ${JSON.stringify(referee.violationCounts)}`);

  return {
    agrees: problems.length === 0,
    problems,
    devices: report.devices,
    counts: report.counts,
    proven: provenIds.size,
    rotatedByDevices: rotatedIds.size,
    notProven: groupNotProven(rotations, byManaged),
    throttled: Object.values(referee.classes).reduce((total, { throttled }) => total + throttled, 0),
    violations,
    httpRequests: referee.httpRequests,
    requestsAccepted: referee.rotationsAccepted,
  };
}

function sameCounts(a: StateCounts, b: StateCounts): boolean {
  const states = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<Rotation['state']>;
  return [...states].every((state) => (a[state] ?? 0) === (b[state] ?? 0));
}

/** Largest groups first. */
function groupNotProven(
  rotations: readonly Rotation[],
  byManaged: ReadonlyMap<string, DeviceTruth>,
): readonly NotProven[] {
  const groups = new Map<string, { reported: string; truth: string; devices: number; names: string[] }>();
  for (const { state, skipReason, managedDeviceId, deviceName } of rotations) {
    const isCapped = skipReason === 'keyLimitReached';
    if (state === 'proven' || state === 'notDue' || (state === 'skipped' && !isCapped)) continue;
    const reported = isCapped ? 'skipped: keyLimitReached' : state;
    const truth = byManaged.get(managedDeviceId)?.reason ?? 'not a device of the tenant';
    const key = `${reported}\n${truth}`;
    const group = groups.get(key) ?? { reported, truth, devices: 0, names: [] };
    group.devices += 1;
    if (group.names.length < NAMES_SHOWN) group.names.push(deviceName);
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.devices - a.devices || a.truth.localeCompare(b.truth));
}
