/** Arbitrary rows of every kind, as wide as their types. */
import fc, { type Arbitrary } from 'fast-check';
import type { BudgetState, ThrottlePause } from '../../src/domain/budget-state.ts';
import { type DeviceRecord, MOST_IMPORTED_KEYS } from '../../src/domain/device-record.ts';
import {
  ADVANCED_BITLOCKER_STATES,
  DEVICE_TYPES,
  ENCRYPTION_READINESS_STATES,
  ENCRYPTION_STATES,
  type EncryptionState,
  FILE_VAULT_STATES,
  POLICY_SETTING_STATES,
  type RecordedEncryptionState,
} from '../../src/domain/encryption-state.ts';
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId, RunId, SliceId, TenantId } from '../../src/domain/ids.ts';
import type { CurrentRun, Outcomes, QuarantineEntry } from '../../src/domain/ledger.ts';
import { type LateOutcome, ROTATION_STATES, type Rotation, SKIP_REASONS } from '../../src/domain/rotation.ts';
import { RUN_STATES, RUN_TRIGGERS, type Run, type Slice, type StateCounts, sliceIdOf } from '../../src/domain/run.ts';
import { PAUSING_CLASSES, type RunThrottling } from '../../src/domain/run-throttling.ts';
import { type RotationRoute, type RotationTarget, SCRIPT_KINDS, type ScriptTarget } from '../../src/domain/targets.ts';

const guid = <T extends string>() => fc.uuid().map((id) => id as T);
const entraDeviceId = guid<EntraDeviceId>();
const managedDeviceId = guid<ManagedDeviceId>();
const keyId = guid<RecoveryKeyId>();
const runId = fc.stringMatching(/^[0-9A-Za-z-]{1,64}$/).map((id) => id as RunId);
const order = fc.integer({ min: 0, max: 9_999_999 });
const sliceId: Arbitrary<SliceId> = fc
  .tuple(order, fc.integer({ min: 0, max: 9_999 }))
  .map(([first, attempt]) => sliceIdOf(first, attempt));
const count = fc.nat();
/** From 1601, where Edm.DateTime begins, to the year 9999. */
const atMs = fc.oneof(
  fc.integer({ min: Date.UTC(1601, 0, 1), max: Date.UTC(9999, 11, 31) }),
  fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
);
const yes = fc.constant<true>(true);
const clocked = fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0);

/** Any text that UTF-8 can carry, quotes, line ends and control characters among it. */
export const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\u0000', 'a\r\nPUT http://x HTTP/1.1', '--changeset_1', '"}]', "O'Neil", '日本🎉'),
);
/** Sometimes beyond what one column holds, with pairs of surrogates across its end. */
export const longText = fc.oneof(
  { weight: 9, arbitrary: anyText },
  { weight: 1, arbitrary: fc.nat(40_000).map((n) => `${'a'.repeat(n)}${'🎉é'.repeat(15_000)}`) },
);

const counts: Arbitrary<StateCounts> = fc.dictionary(fc.constantFrom(...ROTATION_STATES), count);
const skipped: Arbitrary<Run['skipped']> = fc.dictionary(fc.constantFrom(...SKIP_REASONS), count);
const scriptTarget: Arbitrary<ScriptTarget> = fc.oneof(
  fc.record({ deviceHealthScriptId: anyText }),
  fc.record({ deviceManagementScriptId: anyText }),
  fc.record({ deviceComplianceScriptId: anyText }),
);
const deviceManagementScriptId = anyText;
const deviceRunStateId = anyText;
/** Targets of every shape. */
export const anyTarget: Arbitrary<RotationTarget> = fc.oneof(
  fc.record({ entraDeviceId }),
  fc.record({ managedDeviceId }),
  fc.record({ deviceName: anyText }),
  fc.record({ serialNumber: anyText }),
  fc.record({ userPrincipalName: anyText }),
  fc.record({ comanagedDeviceId: managedDeviceId }),
  fc.tuple(scriptTarget, anyText).map(([script, id]) => ({ ...script, deviceRunStateId: id })),
  scriptTarget.map((script) => ({ ...script, failing: true as const })),
  fc.record({ deviceManagementScriptId, deviceRunStateId, userId: anyText, managedDeviceId }),
  fc.record({ deviceManagementScriptId, deviceRunStateId, detectedAppId: anyText, managedDeviceId }),
);
/** Routes of every form. */
export const anyRoute: Arbitrary<RotationRoute> = fc.oneof(
  fc.record({ via: fc.constantFrom('managedDevice', 'comanagedDevice'), managedDeviceId }),
  fc.record({ via: fc.constantFrom(...SCRIPT_KINDS), scriptId: anyText, deviceRunStateId }),
  fc.record({
    via: fc.constant('scriptUser'),
    scriptId: anyText,
    deviceRunStateId,
    userId: anyText,
    managedDeviceId,
  }),
  fc.record({
    via: fc.constant('scriptDetectedApp'),
    scriptId: anyText,
    deviceRunStateId,
    detectedAppId: anyText,
    managedDeviceId,
  }),
);

/** A known member, or one that nobody knows yet. */
const member = (known: readonly string[]) => fc.oneof(fc.constantFrom(...known), anyText);

export const anyEncryptionState: Arbitrary<EncryptionState> = fc.record({
  id: anyText,
  deviceName: anyText,
  userPrincipalName: anyText,
  deviceType: member(DEVICE_TYPES),
  osVersion: anyText,
  tpmSpecificationVersion: anyText,
  encryptionReadinessState: member(ENCRYPTION_READINESS_STATES),
  encryptionState: member(ENCRYPTION_STATES),
  encryptionPolicySettingState: member(POLICY_SETTING_STATES),
  advancedBitLockerStates: fc.array(member(ADVANCED_BITLOCKER_STATES)),
  fileVaultStates: fc.array(member(FILE_VAULT_STATES)),
  policyDetails: fc.array(fc.record({ policyId: anyText, policyName: longText })),
});

export const anyRecordedState: Arbitrary<RecordedEncryptionState> = fc.record(
  {
    look: count,
    atMs,
    state: fc.oneof(fc.constant<'none'>('none'), anyEncryptionState),
    requestId: anyText,
    clientRequestId: anyText,
    creation: fc.constantFrom('sending', 'created', 'refused', 'unknown'),
    sender: anyText,
  },
  { requiredKeys: ['look', 'atMs', 'state'] },
);

const anyLateOutcome: Arbitrary<LateOutcome> = fc.record(
  {
    state: fc.constantFrom('proven', 'confirmed', 'failed', 'expired'),
    atMs,
    keyId,
    keyAtMs: atMs,
    actionState: fc.constantFrom('done', 'failed', 'canceled', 'notSupported'),
    actionStartedAtMs: atMs,
    errorCode: fc.integer(),
    requestId: anyText,
    clientRequestId: anyText,
  },
  { requiredKeys: ['state', 'atMs'] },
);

export const anyRotation: Arbitrary<Rotation> = fc.record(
  {
    order,
    entraDeviceId,
    managedDeviceId,
    deviceName: anyText,
    route: anyRoute,
    state: fc.constantFrom(...ROTATION_STATES),
    skipReason: fc.constantFrom(...SKIP_REASONS),
    canary: yes,
    attempt: count,
    keyBeforeId: keyId,
    keyBeforeAtMs: atMs,
    keyCount: count,
    claimedAtMs: atMs,
    sendByMs: atMs,
    acceptedAfterMs: atMs,
    acceptedByMs: atMs,
    httpStatus: fc.integer({ min: 100, max: 599 }),
    requestId: anyText,
    clientRequestId: anyText,
    actionState: fc.constantFrom('none', 'pending', 'canceled', 'active', 'done', 'failed', 'notSupported', 'unknown'),
    actionStartedAtMs: atMs,
    actionUpdatedAtMs: atMs,
    errorCode: fc.integer(),
    failure: fc.constantFrom('action', 'deviceGone'),
    actionRequestId: anyText,
    actionClientRequestId: anyText,
    keyAfterId: keyId,
    keyAfterAtMs: atMs,
    confirmedAtMs: atMs,
    provenAtMs: atMs,
    keyRequestId: anyText,
    keyClientRequestId: anyText,
    unconfirmed: yes,
    fixedVolumeKeySeen: yes,
    emptyLooks: count,
    sliceId,
    look: count,
    encryptionStates: fc.array(anyRecordedState, { maxLength: 4 }),
    late: anyLateOutcome,
  },
  { requiredKeys: ['order', 'managedDeviceId', 'deviceName', 'state', 'attempt'] },
);

export const anySlice: Arbitrary<Slice> = fc.record({
  sliceId,
  state: fc.constantFrom('again', 'open', 'closed'),
  orders: fc.uniqueArray(order, { minLength: 1, maxLength: 100 }),
  canary: fc.boolean(),
  look: count,
  dueAtMs: atMs,
  counts,
  skipped,
});

const throttlePause: Arbitrary<ThrottlePause> = fc.record(
  {
    fromMs: atMs,
    untilMs: atMs,
    throttled: count,
    lowered: fc.record({ factor: clocked, factorAtMs: atMs, ceiling: clocked }),
  },
  { requiredKeys: ['fromMs', 'untilMs', 'throttled'] },
);
const throttling: Arbitrary<RunThrottling> = fc.record(
  {
    pauses: fc.array(
      fc
        .tuple(throttlePause, fc.constantFrom(...PAUSING_CLASSES))
        .map(([pause, requestClass]) => ({ requestClass, ...pause })),
    ),
    earlier: fc.record({ pauses: count, throttled: count }),
  },
  { requiredKeys: ['pauses'] },
);

export const anyRun: Arbitrary<Run> = fc.record(
  {
    tenantId: guid<TenantId>(),
    runId,
    trigger: fc.constantFrom(...RUN_TRIGGERS),
    mode: fc.constantFrom('live', 'dryRun'),
    state: fc.constantFrom(...RUN_STATES),
    targets: fc.array(anyTarget),
    unresolved: fc.array(longText),
    reason: longText,
    requestedBy: longText,
    notBeforeMs: atMs,
    createdAtMs: atMs,
    seed: clocked,
    checkpoint: count,
    planId: anyText,
    rowsWritten: count,
    keysListedAtMs: atMs,
    devices: count,
    due: count,
    notDue: count,
    skipped,
    canaries: count,
    nextOrder: count,
    canarySentAtMs: atMs,
    canaryPassed: fc.boolean(),
    rotatingStartedAtMs: atMs,
    rotatingEndedAtMs: atMs,
    throttling,
    finishedAtMs: atMs,
    abortReason: fc.constantFrom('canaryFailed', 'circuitBreaker'),
    finalCounts: counts,
    evidence: fc.record({ version: count, lines: count, digest: anyText, lateNotices: count }),
    lateNotices: count,
    notified: fc.record({ endedAtMs: count, dangerAtMs: count, failedAtMs: count }, { requiredKeys: [] }),
    leaseOwner: anyText,
    leaseUntilMs: atMs,
  },
  {
    requiredKeys: [
      'tenantId',
      'runId',
      'trigger',
      'mode',
      'state',
      'createdAtMs',
      'seed',
      'checkpoint',
      'rowsWritten',
      'devices',
      'due',
      'notDue',
      'skipped',
      'canaries',
      'nextOrder',
      'canaryPassed',
    ],
  },
);

export const anyCurrentRun: Arbitrary<CurrentRun> = fc.record({
  runId,
  mode: fc.constantFrom('live', 'dryRun'),
  trigger: fc.constantFrom('schedule', 'onDemand', 'commandLine'),
  createdAtMs: atMs,
  seed: clocked,
});

const window = fc.string({ unit: fc.constantFrom('.', 'x'), maxLength: 100 });
export const anyOutcomes: Arbitrary<Outcomes> = fc.record(
  { answers: window, results: window, tripped: fc.boolean(), statesRefused: fc.integer({ min: 400, max: 599 }) },
  { requiredKeys: ['answers', 'results', 'tripped'] },
);

const pending = fc.record(
  { sinceMs: atMs, acceptedAfterMs: atMs, acceptedByMs: atMs, keyBeforeId: keyId },
  { requiredKeys: ['sinceMs', 'acceptedAfterMs', 'acceptedByMs'] },
);
const claim = fc.record(
  {
    runId,
    order,
    attempt: count,
    token: anyText,
    claimedAtMs: atMs,
    sendByMs: atMs,
    previousRequestAtMs: atMs,
    pending,
  },
  { requiredKeys: ['runId', 'order', 'attempt', 'token', 'claimedAtMs', 'sendByMs'] },
);
export const anyDeviceRecord: Arbitrary<DeviceRecord> = fc.record(
  {
    entraDeviceId,
    managedDeviceId,
    claim,
    lastRequestAtMs: atMs,
    lastRunId: runId,
    lastState: fc.constantFrom(...ROTATION_STATES),
    lastKeyId: keyId,
    lastKeyAtMs: atMs,
    doneWithoutKeySinceMs: atMs,
    importedKeyIds: fc.array(keyId, { maxLength: MOST_IMPORTED_KEYS }),
    importUntilMs: atMs,
  },
  { requiredKeys: ['entraDeviceId'] },
);

export const anyQuarantineEntry: Arbitrary<QuarantineEntry> = fc.record(
  {
    id: anyText,
    queue: anyText,
    reasons: fc.array(
      longText.map((text) => text.replaceAll('\n', ' ')),
      { minLength: 1 },
    ),
    message: longText,
    runId,
    sliceId,
    devices: fc.array(anyText),
    atMs,
  },
  { requiredKeys: ['id', 'queue', 'reasons', 'message', 'devices', 'atMs'] },
);

const owner = anyText;
export const anyBudgetState: Arbitrary<BudgetState> = fc.record(
  {
    holds: fc.array(fc.record({ owner, count, releaseAtMs: clocked })),
    used: fc.array(fc.record({ owner, fromMs: clocked, stepMs: clocked, slots: fc.array(count) })),
    wants: fc.array(fc.record({ owner, count, untilMs: clocked })),
    pausedUntilMs: fc.oneof(
      atMs,
      fc.constant(0),
      atMs.map((ms) => ms + 0.25),
    ),
    throttledAtMs: clocked,
    factor: clocked,
    factorAtMs: clocked,
    ceiling: clocked,
    pace: fc.constantFrom('eager', 'smooth'),
    smoothRunId: runId,
    nextStartAtMs: clocked,
    pauses: fc.array(throttlePause, { maxLength: 4 }),
  },
  {
    requiredKeys: [
      'holds',
      'used',
      'wants',
      'pausedUntilMs',
      'throttledAtMs',
      'factor',
      'factorAtMs',
      'ceiling',
      'pace',
      'nextStartAtMs',
    ],
  },
);
