/** Columns of table `Rotations`. Pure. Layer: storage adapter. */
import type { ActionState } from '../../domain/action-result.ts';
import { ROTATION_STATES, type Rotation, SKIP_REASONS } from '../../domain/rotation.ts';
import { TABLES } from '../names.ts';
import { flag, instant, int, json, oneOf, text } from './columns.ts';
import { createRowCodec } from './row-codec.ts';

const ACTION_STATES: readonly ActionState[] = [
  'none',
  'pending',
  'canceled',
  'active',
  'done',
  'failed',
  'notSupported',
  'unknown',
];

/** One device in one run. */
export const rotationCodec = createRowCodec<Rotation>(TABLES.rotations, {
  required: {
    order: int('order'),
    managedDeviceId: text('managedDeviceId'),
    deviceName: text('deviceName'),
    state: oneOf('state', ROTATION_STATES),
    attempt: int('attempt'),
  },
  optional: {
    entraDeviceId: text('entraDeviceId'),
    skipReason: oneOf('skipReason', SKIP_REASONS),
    canary: flag('canary'),
    keyBeforeId: text('keyBeforeId'),
    keyBeforeAtMs: instant('keyBeforeAt'),
    keyCount: int('keyCount'),
    claimedAtMs: instant('claimedAt'),
    sendByMs: instant('sendBy'),
    acceptedAfterMs: instant('acceptedAfter'),
    acceptedByMs: instant('acceptedBy'),
    httpStatus: int('httpStatus'),
    requestId: text('requestId'),
    clientRequestId: text('clientRequestId'),
    actionState: oneOf('actionState', ACTION_STATES),
    actionStartedAtMs: instant('actionStartedAt'),
    actionUpdatedAtMs: instant('actionUpdatedAt'),
    errorCode: int('errorCode'),
    failure: oneOf('failure', ['action', 'deviceGone']),
    actionRequestId: text('actionRequestId'),
    actionClientRequestId: text('actionClientRequestId'),
    keyAfterId: text('keyAfterId'),
    keyAfterAtMs: instant('keyAfterAt'),
    confirmedAtMs: instant('confirmedAt'),
    provenAtMs: instant('provenAt'),
    keyRequestId: text('keyRequestId'),
    keyClientRequestId: text('keyClientRequestId'),
    unconfirmed: flag('unconfirmed'),
    fixedVolumeKeySeen: flag('fixedVolumeKeySeen'),
    emptyLooks: int('emptyLooks'),
    sliceId: text('sliceId'),
    look: int('look'),
    encryptionStates: json('encryptionStates'),
    route: json('route'),
    late: json('late'),
  },
});
