/** The columns of an evidence file. Their names and order are the product's contract. Layer: domain. */

/** Every line has all of them; what does not apply is empty. `docs/evidence.md` says what each holds. */
export const EVIDENCE_COLUMNS = [
  'line',
  'record',
  'mode',
  'order',
  'deviceName',
  'managedDeviceId',
  'entraDeviceId',
  'canary',
  'route',
  'attempt',
  'decision',
  'reason',
  'keyCount',
  'keyBeforeId',
  'keyBeforeAt',
  'keyAfterId',
  'keyAfterAt',
  'claimedAt',
  'sendBy',
  'acceptedAfter',
  'acceptedBy',
  'httpStatus',
  'requestId',
  'clientRequestId',
  'actionState',
  'actionStartedAt',
  'actionUpdatedAt',
  'errorCode',
  'failure',
  'actionRequestId',
  'actionClientRequestId',
  'confirmedAt',
  'provenAt',
  'keyRequestId',
  'keyClientRequestId',
  'unconfirmed',
  'fixedVolumeKeySeen',
  'uncertain',
  'encryptionState',
  'encryptionReadiness',
  'policyState',
  'bitLockerStates',
  'encryptionStateAt',
  'encryptionStateRequestId',
  'encryptionStateClientRequestId',
  'encryptionStateCreation',
  'state',
  'lateState',
  'lateAt',
  'lateKeyId',
  'lateKeyAt',
  'lateUnconfirmed',
  'lateActionState',
  'lateActionStartedAt',
  'lateErrorCode',
  'lateRequestId',
  'lateClientRequestId',
  'details',
  'previous',
  'hash',
] as const;
export type EvidenceColumn = (typeof EVIDENCE_COLUMNS)[number];

/** The values of one line by column; what is absent is empty. */
export type EvidenceCells = Readonly<Partial<Record<EvidenceColumn, string>>>;

/** What a line is about: the run (the first below the heading), a device, or the end of the file. */
export const EVIDENCE_RECORDS = ['run', 'device', 'end'] as const;
export type EvidenceRecord = (typeof EVIDENCE_RECORDS)[number];

/** The heading, without its line end. */
export const EVIDENCE_HEADING = EVIDENCE_COLUMNS.join(',');
