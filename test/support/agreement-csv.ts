/** Counts an evidence file the way an outsider would: with a CSV reader and `docs/evidence.md`, and with none of our code. */
import { parse } from 'csv-parse/sync';
import type { EvidenceColumn } from '../../src/domain/evidence/evidence-columns.ts';

/** One device, as written; absent cells are empty. */
export type Line = Readonly<Record<EvidenceColumn, string>>;

/** Numbers by name: `devices`, `states.proven`. What would be 0 is absent. */
export type Figures = Readonly<Record<string, number>>;

export interface Sheet {
  readonly run: Readonly<Record<string, unknown>>;
  readonly end: { readonly lines: number; readonly figures: Readonly<Record<string, unknown>> };
  readonly digest: string;
  /** All lines, the heading included. */
  readonly lines: number;
  readonly devices: readonly Line[];
}

/** Outcomes of which `docs` and report say that nobody has to do anything. */
const NOTHING_TO_DO: ReadonlySet<string> = new Set([
  ...['deviceGone', 'graphUnknown', 'notAsked', 'waiting', 'rotationPending', 'overRunLimit'],
  ...['keyTooYoung', 'excluded', 'notManaged', 'notWindows', 'provenLate', 'provenUnconfirmed', 'proven'],
  ...['wouldAsk', 'notDue'],
]);

/** Their keys cannot be told, or are those of another record. */
const WITHOUT_AGE: ReadonlySet<string> = new Set(['noEntraDeviceId', 'duplicateRecord', 'notWindows']);

export function readSheet(file: string): Sheet {
  const written = parse(file, { columns: true, recordDelimiter: '\r\n' }) as readonly Line[];
  const rows = written.map((line) => mapCells(line, readCell));
  const [first, last] = [rows[0], rows.at(-1)];
  if (first?.record !== 'run' || last?.record !== 'end')
    throw new Error('the file does not begin and end as it should');
  return {
    run: JSON.parse(first.details) as Sheet['run'],
    end: JSON.parse(last.details) as Sheet['end'],
    digest: last.hash,
    lines: rows.length + 1,
    devices: rows.slice(1, -1),
  };
}

function mapCells(line: Line, change: (cell: string) => string): Line {
  return Object.fromEntries(Object.entries(line).map(([name, cell]) => [name, change(cell)])) as Line;
}

/** What was written in a cell, as `docs/evidence.md` says to read it. */
function readCell(cell: string): string {
  return cell
    .replace(/^'/, '')
    .replace(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
}

/** Every figure that any output shows, as far as the lines tell it. */
export function countSheet({ run, devices, lines }: Sheet): Figures {
  const figures = new Map<string, number>([
    ['devices', devices.length],
    ['lines', lines],
  ]);
  const add = (name: string, n = 1) => void figures.set(name, (figures.get(name) ?? 0) + n);
  const [plannedAtMs, writtenAtMs] = [Date.parse(String(run.createdAt)), Date.parse(String(run.writtenAt))];
  for (const line of devices) {
    const { state, decision, reason, keyBeforeAt, keyAfterAt, lateKeyAt, lateState } = line;
    add(`states.${state}`);
    if (decision === 'skipped') add(`skipped.${reason}`);
    if (state === 'refused') add(`refused.${line.httpStatus || 'unknown'}`);
    if (state === 'failed') add(`failed.${line.errorCode || line.failure || 'unknown'}`);
    if (line.canary !== '') add('canaries');
    if (line.acceptedBy !== '') add('requested');
    if (line.confirmedAt !== '') add('confirmed');
    if (state === 'proven') add('proven');
    if (line.unconfirmed !== '') add('unconfirmed');
    if (line.uncertain !== '') add('uncertain');
    if (lateState !== '') add(`late.${lateState}`);
    const outcome = outcomeOf(line);
    add(`outcomes.${outcome}`);
    if (isRotatedWithoutKey(line)) add('danger');
    if (!NOTHING_TO_DO.has(outcome)) add('attention');
    if (!(decision === 'skipped' && WITHOUT_AGE.has(reason))) {
      add(`before.${ageOf(keyBeforeAt, plannedAtMs)}`);
      add(`after.${ageOf(keyAfterAt || lateKeyAt || keyBeforeAt, writtenAtMs)}`);
    }
    if (line.acceptedBy !== '' || (line.httpStatus !== '' && line.claimedAt !== '')) add('answered');
    if (line.acceptedBy !== '' && (keyAfterAt || lateKeyAt) !== '') add('timed');
  }
  return Object.fromEntries([...figures].filter(([, n]) => n > 0));
}

/** In the classes of the report. */
export function outcomeOf(line: Line): string {
  const { state, reason, lateState, httpStatus } = line;
  const hasBackupFailed = line.bitLockerStates.split(' ').includes('recoveryKeyBackupFailed');
  const isWithoutPolicy = line.policyState === 'notAssigned';
  if (isRotatedWithoutKey(line)) {
    if (hasBackupFailed) return 'escrowFailing';
    return isWithoutPolicy ? 'rotatedWithoutPolicy' : 'neverEscrowed';
  }
  switch (state) {
    case 'proven':
      return line.unconfirmed === '' ? 'proven' : 'provenUnconfirmed';
    case 'skipped':
      return reason;
    case 'planned':
      return line.mode === 'dryRun' ? 'wouldAsk' : 'notAsked';
    case 'refused':
      if (httpStatus === '403') return 'graphForbade';
      if (httpStatus === '404') return 'graphUnknown';
      return /^4\d\d$/.test(httpStatus) && httpStatus !== '408' ? 'graphRefused' : 'neverTaken';
    case 'failed':
      if (line.failure === 'deviceGone') return 'deviceGone';
      if (hasBackupFailed) return 'backupFailed';
      return Number(line.keyCount) >= 195 ? 'escrowFull' : 'deviceFailed';
    case 'overdue':
    case 'abandoned':
      if (lateState === 'proven') return 'provenLate';
      if (lateState === 'failed') return 'deviceFailed';
      if (state === 'abandoned') return state;
      return isWithoutPolicy ? 'silentWithoutPolicy' : 'noAnswer';
    default:
      return state;
  }
}

/** Its action said done, whatever it says now, and no newer key is known. */
export function isRotatedWithoutKey(line: Line): boolean {
  const { state, confirmedAt, actionState, keyAfterId, lateState, lateActionState } = line;
  const isDone = confirmedAt !== '' || lateState === 'confirmed' || [actionState, lateActionState].includes('done');
  return isDone && state !== 'proven' && keyAfterId === '' && lateState !== 'proven';
}

const DAY_MS = 86_400_000;

/** By upper bound, in days. */
export function ageOf(createdAt: string, nowMs: number): string {
  if (createdAt === '') return 'none';
  const days = (nowMs - Date.parse(createdAt)) / DAY_MS;
  return String([30, 90, 180, 365].find((bound) => days < bound) ?? 'older');
}
