import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECK_NAMES } from '../../src/app/doctor/check.ts';
import { parseSettings } from '../../src/config.ts';
import { LOG_FIELDS } from '../../src/domain/log-fields.ts';
import { leastSendingMs } from '../../src/domain/run-outlook.ts';
import { FEATURES, roleGrants } from '../../src/graph/app-roles.ts';
import { CONTAINERS, QUEUES, TABLES } from '../../src/storage/names.ts';
import { SUMMARY_MESSAGE } from '../../src/system/summary-line.ts';
import { ROOT, readPage, tableBelow } from './markdown.ts';

const read = (name: string) => readFileSync(path.join(ROOT, name), 'utf8');
const plain = (cell: string) => cell.replaceAll('`', '');
const deploy = readPage('docs/deploy.md');
const operate = readPage('docs/operate.md');
const security = readPage('docs/security.md');

describe('security.md', () => {
  it('lists every Graph role, with the features and the reasons of the code', () => {
    const expected = roleGrants(FEATURES).map(({ role, reasons }) => [
      role,
      [...new Set(reasons.map(({ feature }) => feature))].join(', '),
      [...new Set(reasons.map(({ title }) => title))].join(', '),
    ]);
    expect(tableBelow(security, 'Graph permissions').map((row) => row.map(plain))).toEqual(expected);
  });

  it('lists every Azure role of the template, where it is granted and why', () => {
    const access = read('infra/modules/access.bicep');
    const app = [...access.matchAll(/role: '([^']+)'\s+id: '[^']+'\s+on: '([^']+)'\s+why: 'Keyturn: ([^']+)\.'/g)];
    const sender = /id: '[^']+' \/\/ (.+)\s+why: 'Keyturn: ([^']+)\.'/.exec(access);
    const places: Readonly<Record<string, string>> = {
      storageAccount: 'the storage account',
      applicationInsights: 'Application Insights',
    };
    const expected = [
      ...app.map(([, role, on = '', why]) => [role, places[on], why]),
      [sender?.[1], 'the queue rotation-requests', sender?.[2]],
    ];
    expect(expected).toHaveLength(access.split("why: 'Keyturn:").length - 1);
    expect(tableBelow(security, 'Azure roles').map((row) => row.map(plain))).toEqual(expected);
  });

  it('says of every table, queue and container what it keeps', () => {
    const places = tableBelow(security, 'What is kept, where, and for how long').map(([place = '']) => plain(place));
    expect(places).toEqual([
      ...Object.values(TABLES).map((name) => `table ${name}`),
      ...Object.values(QUEUES).map((name) => `queue ${name}`),
      'queues *-poison',
      ...Object.values(CONTAINERS).map((name) => `container ${name}`),
      'container deployment',
      'Application Insights',
    ]);
  });
});

describe('operate.md', () => {
  it('has every alert, by the name of its rule', () => {
    const names = [...read('infra/modules/alerts.bicep').matchAll(/^ {4}name: '([a-z-]+)'$/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(0);
    expect(tableBelow(operate, 'Alerts').map(([name = '']) => plain(name))).toEqual(names);
  });

  it('explains fields of the summary line that may be logged, and looks the line up by its message', () => {
    const fields = tableBelow(operate, 'Log lines').flatMap(([cell = '']) => plain(cell).split(', '));
    const summary = read('src/domain/invocation-summary.ts');
    const declared = [...summary.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name);
    expect(fields.toSorted()).toEqual(declared.filter((name) => name !== 'tenantId').toSorted());
    expect(LOG_FIELDS).toEqual(expect.arrayContaining(fields));
    expect(operate.text).toContain(`line.message == '${SUMMARY_MESSAGE}'`);
  });

  it('says of every table how it grows', () => {
    const names = tableBelow(operate, 'Storage: what grows, and how to shrink it').map(([name = '']) => plain(name));
    expect(names.toSorted()).toEqual(Object.values(TABLES).toSorted());
  });

  it('has the times that the default quota makes', () => {
    const { budgets } = parseSettings({ TENANT_ID: '00000000-0000-4000-8000-00000000000a' });
    for (const [devices = '', time = ''] of tableBelow(operate, 'How long a run takes')) {
      const seconds = leastSendingMs(Number(devices.replaceAll(',', '')), budgets.write) / 1000;
      expect(Number(time.split(' s')[0]?.replaceAll(',', ''))).toBe(seconds);
    }
  });

  it('adds its costs up', () => {
    const rows = tableBelow(operate, 'What it costs').map((row) => Number(row.at(-1)?.replaceAll('*', '')));
    const cents = rows.map((usd) => Math.round(usd * 100));
    expect(cents.at(-1)).toBe(cents.slice(0, -1).reduce((sum, one) => sum + one, 0));
  });
});

describe('deploy.md', () => {
  it("shows the doctor's checks by their names", () => {
    const shown = [...deploy.text.matchAll(/^(?:ok|warn|fail|skip) +(\w+) {2,}/gm)].map(([, name]) => name);
    expect(shown.length).toBeGreaterThan(5);
    expect(CHECK_NAMES).toEqual(expect.arrayContaining(shown));
  });
});
