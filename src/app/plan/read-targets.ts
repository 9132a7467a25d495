/** Reads the devices that targets name one by one, a batch of targets at a time. Layer: app. */
import type { ManagedDevice } from '../../domain/managed-device.ts';
import type { CallOptions } from '../../domain/ports.ts';
import { aimOf, isAskable, type RotationTarget } from '../../domain/targets.ts';
import type { DeviceNaming, Reading } from '../../domain/tenant.ts';
import type { Deps } from '../deps.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import { type ReadAim, type Resolution, resolveTarget, UNREADABLE } from './resolve-target.ts';

const NAMINGS: readonly DeviceNaming[] = ['deviceName', 'serialNumber', 'userPrincipalName'];
/** Stands for the status of an answer that never came. */
const NO_STATUS = 0;

/**
 * One resolution for each target, in their order; a target that cannot be read is refused, whatever the reason. `options` is called before
 * each call. A target of the kind `failing` is not for here. @throws {GraphError} kind `throttled` or `unauthorized`.
 */
export async function readTargets(
  deps: Pick<Deps, 'tenant' | 'logger'>,
  targets: readonly RotationTarget[],
  options: () => CallOptions,
): Promise<readonly Resolution[]> {
  const aims = targets.map((target) => (isAskable(target) ? readAimOf(target) : undefined));
  const readings = await readAll(
    deps,
    aims.filter((aim) => aim !== undefined),
    options,
  );
  return aims.map((aim) => {
    if (aim === undefined) return { refused: 'no request can name it: the value is empty or not one part of a path' };
    const reading = readings.get(keyOf(aim)) ?? { kind: 'unreadable', status: NO_STATUS };
    return 'refused' in reading ? reading : resolveTarget(aim, reading);
  });
}

function readAimOf(target: RotationTarget): ReadAim {
  const aim = aimOf(target);
  if (aim.at === 'failing') throw new RangeError('the devices a script fails on are listed, not read one by one');
  return aim;
}

/** What the target is read by; several may share it. */
function keyOf(aim: ReadAim): string {
  switch (aim.at) {
    case 'managedDevice':
    case 'routed':
      return key(['managedDevice'], aim.managedDeviceId);
    case 'comanagedDevice':
      return key(['comanagedDevice'], aim.managedDeviceId);
    case 'entraDevice':
      return key(['entraDevice'], aim.entraDeviceId);
    case 'named':
      return key([aim.by], aim.value);
    case 'runState':
      return key([aim.script, aim.scriptId], aim.deviceRunStateId);
  }
}

/** Ids and names may hold any separator. */
function key(what: readonly string[], id: string): string {
  return JSON.stringify([...what, id]);
}

/** Everything the targets name, by `keyOf`, in as few calls as there are kinds and scripts; a call that fails is refused for all it names. */
async function readAll(
  deps: Pick<Deps, 'tenant' | 'logger'>,
  aims: readonly ReadAim[],
  options: () => CallOptions,
): Promise<ReadonlyMap<string, Reading<readonly ManagedDevice[]> | Refusal>> {
  const { tenant } = deps;
  const readings = new Map<string, Reading<readonly ManagedDevice[]> | Refusal>();

  async function read<Id extends string, T>(
    what: readonly string[],
    ids: readonly Id[],
    ask: (ids: readonly Id[], options: CallOptions) => Promise<ReadonlyMap<Id, Reading<T>>>,
    devicesIn: (answer: T) => readonly ManagedDevice[],
  ): Promise<void> {
    if (ids.length === 0) return;
    const wanted = [...new Set(ids)];
    try {
      for (const [id, reading] of await ask(wanted, options())) {
        const found = reading.kind === 'found' ? { ...reading, value: devicesIn(reading.value) } : reading;
        readings.set(key(what, id), found);
      }
    } catch (error) {
      const refusal = refusalOf(deps, UNREADABLE, error);
      for (const id of wanted) readings.set(key(what, id), refusal);
    }
  }

  await read(
    ['managedDevice'],
    aims.flatMap((aim) => (aim.at === 'managedDevice' || aim.at === 'routed' ? [aim.managedDeviceId] : [])),
    (ids, call) => tenant.managedDevices(ids, call),
    (device) => [device],
  );
  await read(
    ['comanagedDevice'],
    aims.flatMap((aim) => (aim.at === 'comanagedDevice' ? [aim.managedDeviceId] : [])),
    (ids, call) => tenant.comanagedDevices(ids, call),
    (device) => [device],
  );
  await read(
    ['entraDevice'],
    aims.flatMap((aim) => (aim.at === 'entraDevice' ? [aim.entraDeviceId] : [])),
    (ids, call) => tenant.managedDevicesOf(ids, call),
    (devices) => devices,
  );
  for (const by of NAMINGS) {
    await read(
      [by],
      aims.flatMap((aim) => (aim.at === 'named' && aim.by === by ? [aim.value] : [])),
      (values, call) => tenant.devicesNamed(by, values, call),
      (devices) => devices,
    );
  }
  const states = aims.filter((aim) => aim.at === 'runState');
  for (const of of Map.groupBy(states, (aim) => key([aim.script], aim.scriptId)).values()) {
    const [first] = of;
    if (first === undefined) continue;
    await read(
      [first.script, first.scriptId],
      of.map((aim) => aim.deviceRunStateId),
      (ids, call) => tenant.runStates(first.script, first.scriptId, ids, call),
      ({ device }) => (device === undefined ? [] : [device]),
    );
  }
  return readings;
}
