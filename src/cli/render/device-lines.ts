/** One device for people: what the ledger knows, and its rotation. Pure. Layer: cli. */
import type { DeviceRecord } from '../../domain/device-record.ts';
import type { RecordedEncryptionState, StateCreationStage } from '../../domain/encryption-state.ts';
import type { RunId } from '../../domain/ids.ts';
import { hresult, moment } from '../../domain/plain-figures.ts';
import type { Rotation } from '../../domain/rotation.ts';
import type { Run } from '../../domain/run.ts';
import { SKIP_WORDS } from '../../domain/skip-words.ts';
import type { Style } from './style.ts';
import { padEnd, visible } from './text.ts';
import { meaningOf } from './words.ts';

export interface DeviceStanding {
  readonly record?: DeviceRecord;
  /** In the run asked for, or the latest one that had it. */
  readonly rotation?: { readonly runId: RunId; readonly mode: Run['mode']; readonly rotation: Rotation };
  /** The run asked for. */
  readonly wanted?: RunId;
}

export function deviceLines({ record, rotation, wanted }: DeviceStanding, style: Style): readonly string[] {
  const name = rotation?.rotation.deviceName ?? record?.entraDeviceId ?? '';
  return [
    style.bold(`Device ${visible(name)}`),
    ...(record === undefined
      ? ['  never asked by any run', ...facts(idFacts(rotation?.rotation ?? {}))]
      : facts(recordFacts(record))),
    ...(rotation === undefined
      ? wanted === undefined
        ? []
        : ['', `It is not in run ${wanted}.`]
      : ['', ...rotationLines(rotation, style)]),
    ...(rotation?.rotation.encryptionStates ?? []).flatMap((recorded) => [
      '',
      style.bold(`Encryption at look ${recorded.look + 1}, ${at(recorded.atMs)}`),
      ...stateLines(recorded),
    ]),
  ];
}

type Fact = readonly [name: string, value: string | undefined];

/** Aligned, without the unknown ones. Names, texts and ids come from the tenant. */
function facts(all: readonly Fact[]): readonly string[] {
  const known = all.filter((fact): fact is readonly [string, string] => fact[1] !== undefined);
  const columns = Math.max(0, ...known.map(([name]) => name.length));
  return known.map(([name, value]) => `  ${padEnd(name, columns)}  ${visible(value)}`);
}

function at(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : `${moment(ms)} UTC`;
}

function idFacts({ entraDeviceId, managedDeviceId }: Partial<Rotation>): readonly Fact[] {
  return [
    ['Entra device id', entraDeviceId],
    ['managed device id', managedDeviceId],
  ];
}

function recordFacts(record: DeviceRecord): readonly Fact[] {
  return [
    ...idFacts(record),
    ['last asked', at(record.lastRequestAtMs) ?? 'never'],
    ['last run', record.lastRunId],
    ['last ended', record.lastState],
    ['newest key seen', at(record.lastKeyAtMs)],
    ['put into escrow', record.importedKeyIds?.join(', ')],
    ['held by run', record.claim?.runId],
    ['pending since', at(record.claim?.pending?.sinceMs)],
  ];
}

function rotationLines(
  { runId, mode, rotation }: NonNullable<DeviceStanding['rotation']>,
  style: Style,
): readonly string[] {
  const heading = mode === 'dryRun' ? `In dry run ${runId}: nothing was sent` : `In run ${runId}`;
  return [style.bold(heading), ...facts(rotationFacts(rotation, mode))];
}

function rotationFacts(rotation: Rotation, mode: Run['mode']): readonly Fact[] {
  const { skipReason, late } = rotation;
  const meaning =
    late === undefined
      ? meaningOf(rotation.state, mode)
      : 'no proof by the last look; a later plan found out more, see below';
  const why = skipReason === undefined ? meaning : `${skipReason}: ${SKIP_WORDS[skipReason].meaning}`;
  return [
    ['state', `${rotation.state} (${why})`],
    ['canary', rotation.canary === true ? 'yes' : undefined],
    [
      'key before',
      rotation.keyBeforeAtMs === undefined ? undefined : `${rotation.keyBeforeId}, ${at(rotation.keyBeforeAtMs)}`,
    ],
    ['answer', answerOf(rotation)],
    ['accepted by', at(rotation.acceptedByMs)],
    ['action', rotation.actionState],
    // 0 says that there is none.
    [
      'error code',
      rotation.errorCode === undefined || rotation.errorCode === 0 ? undefined : hresult(rotation.errorCode),
    ],
    [
      'key after',
      rotation.keyAfterAtMs === undefined ? undefined : `${rotation.keyAfterId}, ${at(rotation.keyAfterAtMs)}`,
    ],
    ['proven', at(rotation.provenAtMs)],
    [
      'note',
      rotation.unconfirmed === true
        ? 'unconfirmed: the action never said done, so the key may be another rotation’s'
        : undefined,
    ],
  ];
}

function answerOf({ httpStatus, requestId, clientRequestId }: Rotation): string | undefined {
  if (httpStatus !== undefined) return `${httpStatus}, request ${requestId ?? clientRequestId ?? 'without id'}`;
  return clientRequestId === undefined
    ? undefined
    : `not known; asked, if it was, with client-request-id ${clientRequestId}`;
}

/** What became of creating it in Graph; without `RECORD_TO_GRAPH` nothing is sent. */
const CREATION_WORDS: Readonly<Record<StateCreationStage, string>> = {
  sending: 'being created',
  created: 'created',
  refused: 'refused',
  unknown: 'unknown: it may have been created; not sent again',
};

/** What Intune reported, which may be a day behind the device. */
function stateLines({ state, creation }: RecordedEncryptionState): readonly string[] {
  if (state === 'none') return ['  none: Intune has no encryption state for it'];
  return facts([
    ['readiness', reported(state.encryptionReadinessState)],
    ['encryption', reported(state.encryptionState)],
    ['policy setting', reported(state.encryptionPolicySettingState)],
    ['BitLocker', reported(state.advancedBitLockerStates.join(', '))],
    ['FileVault', reported(state.fileVaultStates.join(', '))],
    ['TPM', reported(state.tpmSpecificationVersion)],
    ['OS', reported(state.osVersion)],
    ['device type', reported(state.deviceType)],
    ['device name', reported(state.deviceName)],
    ['user', reported(state.userPrincipalName)],
    ...state.policyDetails.map(({ policyId, policyName }): Fact => ['policy', `${policyName} (${policyId})`]),
    ['state id', state.id],
    ['in Graph', creation === undefined ? 'not sent' : CREATION_WORDS[creation]],
  ]);
}

/** What Graph left out is empty. */
function reported(text: string): string | undefined {
  return text === '' ? undefined : text;
}
