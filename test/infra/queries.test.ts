import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { acceptRequest } from '../../src/app/accept-request.ts';
import { quarantineMessage } from '../../src/app/quarantine-message.ts';
import { createKeyturn } from '../../src/composition.ts';
import type { InvocationSummary } from '../../src/domain/invocation-summary.ts';
import { LOG_FIELDS } from '../../src/domain/log-fields.ts';
import { ROTATION_STATES } from '../../src/domain/rotation.ts';
import { RUN_TRIGGERS, sliceIdOf } from '../../src/domain/run.ts';
import { createLogger } from '../../src/system/logger.ts';
import { summaryLine } from '../../src/system/summary-line.ts';
import { createWorld, DAY_MS, START_MS } from '../support/world.ts';
import { INFRA, readSnapshot } from './snapshot.ts';

const QUERIES = path.join(INFRA, 'queries');
const ROOT = path.join(INFRA, '..');

interface Query {
  readonly name: string;
  readonly text: string;
  /** Messages it looks for. */
  readonly messages: readonly string[];
  /** What it takes of a line, and as what: `line.counts.proven` as a number is `counts`, `proven`, `number`. */
  readonly uses: readonly { readonly field: string; readonly part?: string; readonly as: string }[];
}

const KINDS: Readonly<Record<string, string>> = { tostring: 'string', tolong: 'number', todouble: 'number' };

function readQuery(file: string): Query {
  const text = readFileSync(path.join(QUERIES, file), 'utf8');
  const filters = [...text.matchAll(/message\)? (?:==|in) (\('[^)]*'\)|'[^']*')/g)];
  const messages = filters.flatMap(([, list = '']) =>
    [...list.matchAll(/'([^']*)'/g)].map(([, message = '']) => message),
  );
  const uses = [...text.matchAll(/(\w+)?(\(| = )line\.(\w+)(?:\.(\w+))?/g)].map(
    ([, reader = '', opener, field = '', part]) => ({
      field,
      ...(part === undefined ? {} : { part }),
      as: opener === '(' ? (KINDS[reader] ?? reader) : 'object',
    }),
  );
  return { name: file.replace('.kql', ''), text, messages: [...new Set(messages)], uses };
}

const queries = readdirSync(QUERIES).map(readQuery);

type Line = Readonly<Record<string, unknown>>;

/** Lines of a run that completes, one that is aborted, and of everything else a query looks for; all written by the code itself. */
async function realLines(): Promise<readonly Line[]> {
  const completing = createWorld({ devices: 60, settings: { ROTATION_CANARY_DEVICES: '0' } });
  const usage = await completing.clock.run(async () => {
    const process = completing.start();
    await process.tick();
    await completing.deliver(process, START_MS + 20 * DAY_MS);
    // The next tick finds devices that never answered.
    await process.tick();
    await quarantineMessage(process.deps, 'rotation-runs', '{"not":"ours"}');
    const bounds = { deadlineAtMs: completing.clock.nowMs() + 60_000, signal: process.life.signal };
    await acceptRequest(process.deps, { message: '{"targets":[]}', messageId: 'm-1' }, bounds);
    return process.usage();
  });

  const failing = createWorld({
    devices: Array.from({ length: 30 }, () => ({ behaviour: 'fails', checkInDelayMs: 600_000 }) as const),
  });
  await failing.clock.run(async () => {
    const process = failing.start();
    await process.tick();
    await failing.deliver(process, START_MS + 20 * DAY_MS);
  });

  const lines = [...completing.log, ...failing.log];
  const write = (_level: string, line: string) => lines.push(line);
  const keyturn = createKeyturn({ environment: {} });
  const invocation = { functionName: 'scheduled-rotation', invocationId: '1', write };
  await expect(keyturn.scheduledRotation(invocation)).rejects.toThrow('TENANT_ID');
  const [run] = await completing.runs();
  const summary: InvocationSummary = {
    functionName: 'continue-rotation',
    tenantId: completing.settings.tenantId,
    ...(run === undefined ? {} : { runId: run.runId }),
    sliceId: sliceIdOf(0, 0),
    outcome: 'done',
    counts: Object.fromEntries(ROTATION_STATES.map((state) => [state, 1])),
    ...usage,
    durationMs: 1,
  };
  summaryLine(createLogger({ level: 'info', write }), summary);
  return lines.map((line) => JSON.parse(line) as Line);
}

describe.each(queries)('the query $name', ({ text, messages, uses }) => {
  it('reads lines as they are written: one JSON object to a message of AppTraces', () => {
    expect(text).toMatch(/AppTraces\n\| where Message startswith '\{'\n\| extend line = parse_json\(Message\)/);
    expect(messages).not.toEqual([]);
    expect(uses.length).toBe(text.match(/line\.\w/g)?.length);
  });

  it('takes only fields that a line may carry', () => {
    const allowed: readonly string[] = ['message', ...LOG_FIELDS];
    expect(uses.filter(({ field }) => !allowed.includes(field))).toEqual([]);
    const states: readonly string[] = ROTATION_STATES;
    for (const { field, part } of uses.filter((use) => use.part !== undefined)) {
      expect(field).toBe('counts');
      expect(states).toContain(part);
    }
  });

  it('compares with values that exist', () => {
    const functions = readdirSync(path.join(ROOT, 'functions'))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(path.join(ROOT, 'functions', file), 'utf8'))
      .join('\n');
    for (const [, name = ''] of text.matchAll(/functionName\) == '([^']+)'|Function == '([^']+)'/g))
      if (name !== '') expect(functions).toContain(`'${name}'`);
    for (const [, trigger] of text.matchAll(/line\.trigger\) == '([^']+)'/g)) expect(RUN_TRIGGERS).toContain(trigger);
    for (const [, outcome] of text.matchAll(/line\.outcome\) [!=]= '([^']+)'/g))
      expect(['done', 'handedOver', 'faulted']).toContain(outcome);
  });
});

it('every query finds its fields, in lines that the code really writes', { timeout: 120_000 }, async () => {
  const lines = await realLines();
  const missing = queries.flatMap(({ messages, uses }) => {
    const found = lines.filter(({ message }) => messages.includes(String(message)));
    const fields = uses.filter(({ field, part, as }) => {
      if (field === 'message') return false;
      const kind = part === undefined ? as : 'object';
      return !found.some((line) => typeof line[field] === kind);
    });
    const unwritten = messages.filter((wanted) => !lines.some((line) => line.message === wanted));
    return [...fields.map(({ field }) => field), ...unwritten];
  });
  expect([...new Set(missing)]).toEqual([]);
});

describe('alerts and workbook', () => {
  const rules = readSnapshot('main').all('Microsoft.Insights/scheduledQueryRules');
  const workbook = JSON.parse(
    String(readSnapshot('main').the('Microsoft.Insights/workbooks').properties.serializedData),
  );

  it('ask every query there is, as it is', () => {
    const asked = [
      ...rules.map(({ properties }) => (properties.criteria as { allOf: { query: string }[] }).allOf[0]?.query),
      ...workbook.items.flatMap((item: { content: { query?: string } }) => item.content.query ?? []),
    ];
    expect(asked.toSorted()).toEqual(queries.map(({ text }) => text).toSorted());
  });

  it('compare a column that the query makes, over no more than the two days a rule can see', () => {
    for (const { name, properties } of rules) {
      const [condition] = (properties.criteria as { allOf: { query: string; metricMeasureColumn?: string }[] }).allOf;
      if (condition?.metricMeasureColumn !== undefined)
        expect(condition.query, name).toContain(`${condition.metricMeasureColumn} =`);
      expect(['PT2H', 'P2D'], name).toContain(properties.windowSize);
    }
  });

  it('notify the action group they are given, and none by default', () => {
    for (const { properties } of rules) expect(properties.actions).toEqual({ actionGroups: [] });
    const group = expect.stringContaining('/actionGroups/oncall');
    for (const { properties } of readSnapshot('all-options').all('Microsoft.Insights/scheduledQueryRules'))
      expect(properties.actions).toEqual({ actionGroups: [group] });
  });

  it('warn of idle days unless the schedule is less than daily', () => {
    const enabled = (name: string) =>
      readSnapshot(name)
        .all('Microsoft.Insights/scheduledQueryRules')
        .map(({ properties }) => properties.enabled);
    expect(enabled('main')).toEqual([true, true, true, true, true]);
    expect(enabled('all-options').filter((on) => on === false)).toHaveLength(1);
  });
});

it('host.json exports logs by OpenTelemetry, whose sampling the deployment turns off', () => {
  const host = JSON.parse(readFileSync(path.join(ROOT, 'host.json'), 'utf8'));
  expect(host.telemetryMode).toBe('OpenTelemetry');
  // In this mode the section is not read: whatever it said would be a promise nobody keeps.
  expect(host.logging.applicationInsights).toBeUndefined();
  expect(host.logging.logLevel).toMatchObject({ default: 'Information', Function: 'Debug' });
});
