/** Everything that is said of one run that ended, compared: with each other, and with a count of the file's lines. */
import { expect } from 'vitest';
import { evidenceName } from '../../src/app/evidence/evidence-head.ts';
import { verifyEvidence } from '../../src/app/evidence/verify-evidence.ts';
import { renderReport } from '../../src/app/report/html/render-report.ts';
import { readReport } from '../../src/app/report/read-report.ts';
import { reportName } from '../../src/app/report/report-name.ts';
import { reportRun } from '../../src/app/report-run.ts';
import { reportLines } from '../../src/cli/render/report-lines.ts';
import { runLines } from '../../src/cli/render/run-lines.ts';
import { createStyle } from '../../src/cli/render/style.ts';
import type { RunNotification } from '../../src/domain/notification.ts';
import type { Run } from '../../src/domain/run.ts';
import { countSheet, type Figures, isRotatedWithoutKey, readSheet, type Sheet } from './agreement-csv.ts';
import type { Life } from './agreement-life.ts';
import {
  figuresOf,
  readCard,
  readReportLines,
  readReportPage,
  readStatusLines,
  readVerifyLines,
  type SaidCounts,
} from './agreement-pages.ts';
import { joined, reportOf } from './evidence-files.ts';
import { contentOf } from './expect-evidence.ts';
import { verifyLines } from './verify-lines.ts';

const PLAIN = createStyle(false);
const COLUMNS = 200;
const NEVER = new AbortController().signal;

/** Fails unless all of it agrees. Returns the latest evidence. */
export async function expectOneStory(life: Life, run: Run): Promise<Sheet> {
  const { world, process } = life;
  const { evidence } = run;
  if (evidence === undefined) throw new Error(`run ${run.runId} ended without evidence`);
  const name = evidenceName(run.runId, evidence.version);
  const show = (text: string) => void life.outputs.push(text);
  const file = (await reportOf(world.reportFiles, name)).toString();
  show(file);
  const sheet = readSheet(file);
  const counted = countSheet(sheet);
  const agree = agreement(run, counted);
  expect({ digest: sheet.digest, lines: sheet.lines }).toEqual({ digest: evidence.digest, lines: evidence.lines });
  expect(sheet.end.lines).toBe(sheet.lines);

  // What the file says of itself, and what `keyturn verify` makes of it.
  const verification = await verifyEvidence(() => contentOf(world.reportFiles, name));
  expect(verification).toMatchObject({ problems: [], differences: [], digest: sheet.digest });
  expect(sheet.end.figures).toEqual(verification.figures);
  agree('the end of the file', endFigures(sheet.end.figures), [
    'devices',
    'states',
    'skipped',
    'refused',
    'failed',
    'late',
    'canaries',
    'requested',
    'confirmed',
    'unconfirmed',
    'uncertain',
  ]);
  const checked = { file: name, verification, ledger: { kind: 'notCompared', because: '' } } as const;
  const verified = verifyLines(checked, PLAIN);
  show(verified.join('\n'));
  agree('keyturn verify', readVerifyLines(verified), ['devices', 'lines', 'states']);

  // The ledger, and `keyturn status`.
  const { finalCounts = {}, skipped, devices } = run;
  agree('the run row', figuresOf({ devices, counts: finalCounts, skipped }), ['devices', 'states', 'skipped']);
  const status = await reportRun(world.ledger, run);
  agree('status', figuresOf(status), ['devices', 'states', 'skipped']);
  const statusLines = runLines(status, PLAIN, COLUMNS);
  show(JSON.stringify(status));
  show(statusLines.join('\n'));
  agree('status, printed', readStatusLines(statusLines), ['devices', 'states', 'skipped']);
  expect({ due: status.due, canaries: status.canaries }).toEqual({ due: run.due, canaries: run.canaries });

  // The report: as the app left it, as `keyturn report` makes it, and what that prints.
  const shown = [
    'devices',
    'lines',
    'requested',
    'confirmed',
    'proven',
    'unconfirmed',
    'uncertain',
    'outcomes',
    'danger',
    'attention',
  ];
  const model = await readReport(process.deps, run, NEVER);
  const page = [...renderReport(model)].join('');
  show(page);
  expect((await storedReport(life, run, evidence.version)) ?? page).toBe(page);
  const said = readReportPage(page);
  agree('the report', said.figures, [...shown, 'answered', 'before', 'after', 'timed']);
  expect({ due: said.figures.due, digest: said.digest }).toEqual({ due: run.due, digest: sheet.digest });
  expectHeadline(said.headline, run, counted);
  expect(said.attention.length).toBe(counted.attention ?? 0);
  const dangerous = sheet.devices.filter(isRotatedWithoutKey);
  expect(new Set(said.attention.slice(0, dangerous.length))).toEqual(
    new Set(dangerous.map((line) => line.managedDeviceId)),
  );
  const lines = reportLines(model, {}, PLAIN, COLUMNS);
  show(lines.join('\n'));
  const printed = readReportLines(lines);
  agree(
    'the report, printed',
    printed.figures,
    shown.filter((figure) => !['devices', 'unconfirmed', 'uncertain'].includes(figure)),
  );
  expect({ due: printed.figures.due, headline: printed.headline }).toEqual({ due: run.due, headline: said.headline });

  expectLogged(life, run, counted, agree);
  // A later version tells more than could be posted when the run ended.
  if (evidence.version === 1) expectPosted(life, run, agree);
  // A device that was planned as due and lost to another run is skipped in the end.
  const lost = sheet.devices.filter(({ order, decision }) => Number(order) < run.due && decision === 'skipped');
  expect(sheet.devices.filter(({ decision }) => decision === 'due')).toHaveLength(run.due - lost.length);
  return sheet;
}

/** `undefined` where storage failed while it was written, which the log tells. */
async function storedReport({ world }: Life, { runId }: Run, version: number): Promise<string | undefined> {
  const name = reportName(runId, version);
  const content = await world.reportFiles.read(name);
  if (content !== undefined) return (await joined(content)).toString();
  const warnings = world.log.filter(
    (line) => line.includes('the report was not written') && line.includes(`"${runId}"`),
  );
  expect({ name, isExcused: warnings.some((line) => line.includes('"errorKind":"unreachable"')) }).toEqual({
    name,
    isExcused: true,
  });
  return undefined;
}

type Agree = (who: string, said: Figures, groups: readonly string[]) => void;

/** `groups`: what is said in full, so that what is missing there is a figure of 0. */
function agreement(run: Run, counted: Figures): Agree {
  const part = (figures: Figures, groups: readonly string[]) =>
    Object.fromEntries(
      Object.entries(figures)
        .filter(([name, n]) => n !== 0 && groups.includes(name.split('.')[0] ?? ''))
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  return (who, said, groups) =>
    expect({ run: run.runId, who, ...part(said, groups) }).toEqual({ run: run.runId, who, ...part(counted, groups) });
}

function endFigures(figures: Readonly<Record<string, unknown>>): Figures {
  const { accepted, ...rest } = figures;
  return Object.fromEntries(
    Object.entries({ ...rest, requested: accepted }).flatMap(([name, value]): (readonly [string, number])[] =>
      typeof value === 'number'
        ? [[name, value]]
        : Object.entries(value as Readonly<Record<string, number>>).map(([part, n]) => [`${name}.${part}`, n]),
    ),
  );
}

function expectHeadline(headline: string, run: Run, counted: Figures): void {
  const shown = (n: number) => n.toLocaleString('en-US');
  if (run.mode === 'dryRun') expect(headline).toMatch(new RegExp(` ${shown(counted.devices ?? 0)} would be asked`));
  else if (run.abortReason !== undefined) expect(headline).toMatch(/^Stopped early: /);
  if (run.mode === 'live' && (run.due > 0 || run.abortReason !== undefined))
    expect(headline).toContain(`${shown(counted.proven ?? 0)} of ${shown(run.due)} due `);
}

/** The lines of the log that sum the run up. */
function expectLogged({ world }: Life, run: Run, counted: Figures, agree: Agree): void {
  const mentions = world.log.filter((line) => line.includes(run.runId)).map((line) => JSON.parse(line) as LogLine);
  const lines = mentions.filter(({ runId }) => runId === run.runId);
  const ended = lines.filter(({ message }) => message === 'run completed' || message === 'run aborted');
  const last = ended.at(-1);
  if (last === undefined) throw new Error(`the log does not say that run ${run.runId} ended`);
  expect(last.message).toBe(run.abortReason === undefined ? 'run completed' : 'run aborted');
  agree('the log', figuresOf(last), ['devices', 'states', 'skipped']);
  expect(lines.some(({ message, digest }) => message.startsWith('evidence w') && digest === run.evidence?.digest)).toBe(
    true,
  );
  // Which run this line is of is bound to the logger where functions are wired.
  const plans = world.log.filter((line) => line.includes('"run planned"')).map((line) => JSON.parse(line) as LogLine);
  const own = plans.filter(({ devices, due }) => devices === run.devices && due === run.due);
  const before = Object.fromEntries(Object.entries(counted).filter(([name]) => name.startsWith('before.')));
  const inAll = (ages: Figures) => Object.values(ages).reduce((sum, n) => sum + n, 0);
  expect(own.map(({ keyAges }) => inAll(keyAges ?? {}))).toContain(inAll(before));
  // Before a device is asked, its keys may be listed once more; of a dry run they never are.
  if (run.mode === 'dryRun') expect(own.map(({ keyAges }) => agesOf(keyAges ?? {}))).toContainEqual(before);
}

/** In the words of a count of lines. */
function agesOf(ages: Readonly<Record<string, number>>): Figures {
  const names: Readonly<Record<string, string>> = { older: 'older', none: 'none' };
  return Object.fromEntries(
    Object.entries(ages).flatMap(([name, n]) =>
      n === 0 ? [] : [[`before.${names[name] ?? /\d+/.exec(name)?.[0]}`, n]],
    ),
  );
}

interface LogLine extends SaidCounts {
  readonly runId?: string;
  readonly message: string;
  readonly due?: number;
  readonly keyAges?: Readonly<Record<string, number>>;
  readonly digest?: string;
}

/** What the webhook was told of the run's end, in both formats. */
function expectPosted({ posted }: Life, run: Run, agree: Agree): void {
  const own = posted.filter(({ body }) => body.includes(run.runId));
  const ends = own
    .filter(({ format }) => format === 'json')
    .map(({ body }) => JSON.parse(body) as RunNotification)
    .filter(({ event, runId }) => event === 'runEnded' && runId === run.runId);
  const end = ends.at(-1);
  if (end === undefined) throw new Error(`the webhook was not told of run ${run.runId}`);
  const groups = ['devices', 'states', 'skipped', 'danger'];
  agree('the webhook', { ...figuresOf(end), danger: end.rotatedWithoutKey }, groups);
  expect(end).toMatchObject({ due: run.due, evidence: { digest: run.evidence?.digest, lines: run.evidence?.lines } });
  const card = own
    .filter(({ format }) => format === 'teams')
    .map(({ body }) => readCard(body))
    .findLast(({ facts }) => facts.get('Digest') === run.evidence?.digest);
  if (card === undefined) throw new Error(`there is no card of run ${run.runId}`);
  agree('the card', card.figures, groups);
  expect(card.figures.due).toBe(run.due);
}
