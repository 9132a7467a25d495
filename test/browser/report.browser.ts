import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MOST_ATTENTION_ROWS } from '../../src/domain/report/attention-list.ts';
import { sampleRotation } from '../contracts/samples.ts';
import { HOSTILE_NAMES } from '../support/report-models.ts';
import { open, startBrowser } from './support/browser.ts';
import { demoReport, pageOf, pageOfFleet, throttledPage } from './support/pages.ts';

/** A4 less the margins of the style sheet, in CSS pixels: 210 mm − 2 × 14 mm. */
const PAPER_WIDTH = Math.floor(((210 - 28) / 25.4) * 96);
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let browser: Browser;
let folder = '';
let demo = '';
let hostile = '';
let full = '';
let throttled = '';
let fleet = '';

beforeAll(async () => {
  browser = await startBrowser();
  folder = await mkdtemp(path.join(tmpdir(), 'keyturn-browser-'));
  demo = path.join(folder, 'demo.html');
  hostile = path.join(folder, 'hostile.html');
  full = path.join(folder, 'full.html');
  throttled = path.join(folder, 'throttled.html');
  await writeFile(throttled, throttledPage());
  fleet = path.join(folder, 'fleet.html');
  await writeFile(fleet, pageOfFleet());
  await demoReport(demo, 600);
  const named = HOSTILE_NAMES.map((deviceName, i) => sampleRotation(i, { deviceName, state: 'overdue' }));
  await writeFile(hostile, pageOf(named));
  const many = Array.from({ length: MOST_ATTENTION_ROWS + 500 }, (_, i) => sampleRotation(i, { state: 'overdue' }));
  await writeFile(full, pageOf(many));
});
afterAll(async () => {
  await browser?.close();
  if (folder !== '') await rm(folder, { recursive: true });
});

async function seriousFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(await readFile(AXE, 'utf8'));
  const results = (await page.evaluate('axe.run()')) as AxeResults;
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

const names = (page: Page) => page.locator('#attention tbody tr:visible th a').allTextContents();

const column = (page: Page, name: string) =>
  page.locator('#attention').getByRole('columnheader', { name, exact: true });

describe("the report of the demo's run", () => {
  it.each([
    ['light', 1_440],
    ['light', 400],
    ['dark', 1_440],
    ['dark', 400],
  ] as const)(
    'opens without an error, a request or a serious finding: %s, %i pixels wide',
    async (colorScheme, width) => {
      const { page, complaints } = await open(browser, demo, { colorScheme, viewport: { width, height: 900 } });
      expect(await page.locator('.headline').textContent()).toMatch(/keys are rotated and proven/);
      expect(await seriousFindings(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      expect(complaints).toEqual([]);
      await page.context().close();
    },
  );

  it('sorts by a column, both ways, by keyboard too', async () => {
    const { page, complaints } = await open(browser, demo);
    const before = await names(page);
    expect(before.length).toBeGreaterThan(20);
    const heading = column(page, 'Device');
    await heading.getByRole('button').focus();
    await page.keyboard.press('Enter');
    const ascending = await names(page);
    const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
    expect(ascending).toEqual([...before].sort((a, b) => collator.compare(a, b)));
    expect(await heading.getAttribute('aria-sort')).toBe('ascending');
    await page.keyboard.press('Enter');
    expect(await heading.getAttribute('aria-sort')).toBe('descending');
    expect((await names(page))[0]).toBe(ascending.at(-1));
    await column(page, 'Urgency').getByRole('button').click();
    expect(await heading.getAttribute('aria-sort')).toBeNull();
    expect(await names(page)).toEqual(before);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('sorts on a phone too', async () => {
    const { page } = await open(browser, demo, { viewport: { width: 400, height: 900 } });
    const before = await names(page);
    const button = page.locator('#attention thead').getByRole('button', { name: 'Device', exact: true });
    const box = await button.boundingBox();
    expect(box?.width ?? 0).toBeGreaterThan(20);
    await button.click();
    const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
    expect(await names(page)).toEqual([...before].sort((a, b) => collator.compare(a, b)));
    await page.getByLabel('Search').fill('windows too old');
    expect(await page.getByRole('status').textContent()).toMatch(/^\d+ of \d+ shown\. Sorted by Device, ascending$/);
    await page.context().close();
  });

  it('finds by name and by outcome, and says how many', async () => {
    const { page } = await open(browser, demo);
    const all = await names(page);
    const search = page.getByLabel('Search');
    await search.fill(all[3]?.toLowerCase() ?? '');
    expect(await names(page)).toContain(all[3]);
    await search.fill('windows too old');
    const found = await page.locator('#attention tbody tr:visible').allTextContents();
    expect(found.length).toBeGreaterThan(0);
    expect(found.every((text) => text.includes('Windows too old'))).toBe(true);
    expect(await page.getByRole('status').textContent()).toBe(`${found.length} of ${all.length} shown`);
    await search.fill('no device is called this');
    expect(await names(page)).toEqual([]);
    await search.fill('');
    expect(await names(page)).toEqual(all);
    await page.context().close();
  });

  it('says the same with scripts off, less sorting and search', async () => {
    const scripted = await open(browser, demo);
    const plain = await open(browser, demo, { javaScriptEnabled: false });
    expect(await names(plain.page)).toEqual(await names(scripted.page));
    expect(await plain.page.locator('#search').isVisible()).toBe(false);
    expect(await plain.page.locator('thead button').count()).toBe(0);
    expect(await scripted.page.locator('#search').isVisible()).toBe(true);
    expect(plain.complaints).toEqual([]);
    await scripted.page.context().close();
    await plain.page.context().close();
  });

  it('fits the paper when it is printed, all devices included', async () => {
    const { page } = await open(browser, demo, {
      viewport: { width: PAPER_WIDTH, height: 1_000 },
      colorScheme: 'dark',
    });
    const all = await names(page);
    await page.getByLabel('Search').fill('no device is called this');
    await page.emulateMedia({ media: 'print' });
    expect(await names(page)).toEqual(all);
    const wide = await page.evaluate(
      `[...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > ${PAPER_WIDTH + 1} && e.closest('svg') === null).map((e) => e.outerHTML.slice(0, 80))`,
    );
    expect(wide).toEqual([]);
    expect(await page.locator('#search').isVisible()).toBe(false);
    const [shown, whole] = (await page.evaluate(
      `(() => { const e = document.querySelector('.scroll'); return [e.clientHeight, e.scrollHeight]; })()`,
    )) as readonly [number, number];
    expect(shown).toBe(whole);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    const pdf = (await page.pdf({ preferCSSPageSize: true, format: 'A4' })).toString('latin1');
    expect(pdf.startsWith('%PDF')).toBe(true);
    await page.context().close();
  });

  it('leads every device into the portal, and nowhere else', async () => {
    const { page } = await open(browser, demo);
    const links = await page.locator('a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
    expect(links.length).toBeGreaterThan(20);
    for (const link of links) {
      expect(link).toMatch(
        /^https:\/\/intune\.microsoft\.com\/#view\/Microsoft_Intune_Devices\/DeviceSettingsMenuBlade\/~\/overview\/mdmDeviceId\/[0-9a-f-]{36}$/,
      );
    }
    await page.context().close();
  });
});

describe('the picture of a fleet', () => {
  it.each([
    ['light', 1_440],
    ['light', 400],
    ['dark', 1_440],
    ['dark', 400],
  ] as const)(
    'opens without an error, a request or a serious finding, and sorts: %s, %i pixels wide',
    async (colorScheme, width) => {
      const { page, complaints } = await open(browser, fleet, { colorScheme, viewport: { width, height: 900 } });
      expect(await page.locator('.headline').textContent()).toBe('2 devices rotated, and no newer key is in escrow.');
      expect(await seriousFindings(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      const table = page.locator('#attention');
      const [wide, room] = (await page.evaluate(
        `(() => { const e = document.querySelector('.scroll'); return [e.scrollWidth, e.clientWidth]; })()`,
      )) as readonly [number, number];
      expect(wide).toBeLessThanOrEqual(room + 1);
      await table.locator('thead').getByRole('button', { name: 'Keys', exact: true }).click();
      await table.locator('thead').getByRole('button', { name: 'Keys', exact: true }).click();
      expect((await names(page))[0]).toBe('LT-119');
      expect(complaints).toEqual([]);
      await page.context().close();
    },
  );
});

describe('the report of a run that was throttled', () => {
  it.each([
    ['light', 1_440],
    ['dark', 400],
  ] as const)(
    'tells pauses and 429s apart by more than colour, and in words: %s, %i pixels wide',
    async (scheme, width) => {
      const { page, complaints } = await open(browser, throttled, {
        colorScheme: scheme,
        viewport: { width, height: 900 },
      });
      const quota = page.getByRole('region', { name: 'Quota used' });
      const chart = quota.getByRole('img');
      expect(await chart.locator('circle.mark').count()).toBe(5);
      expect(await chart.locator('rect.strip').count()).toBe(5);
      expect(await chart.locator('desc').textContent()).toContain(
        '40 times with 429, which made 5 pauses, 1 min 45 s in all',
      );
      expect(await quota.getByRole('listitem').allTextContents()).toEqual([
        'requests answered',
        'allowed',
        'paused',
        '429s, by the beginning of their pause',
      ]);
      await quota.getByText('Figures as a table').click();
      const cells = await quota.getByRole('row').getByRole('cell').allTextContents();
      expect(cells.slice(0, 5)).toEqual(['2026-11-22 02:00:00', '200', '180', '10', '20 s']);
      expect(await seriousFindings(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      expect(complaints).toEqual([]);
      await page.context().close();
    },
  );
});

describe('a report of devices with hostile names', () => {
  it('shows the names and does nothing they say', async () => {
    const { page, complaints } = await open(browser, hostile);
    const shown = await names(page);
    expect(shown.slice(0, 6)).toEqual(HOSTILE_NAMES.slice(0, 6));
    expect(shown[6]).toBe('\\u{202e}gnp.exe\\u{202c}');
    await column(page, 'Device').getByRole('button').click();
    await page.getByLabel('Search').fill('<script>');
    expect(await names(page)).toEqual([HOSTILE_NAMES[0]]);
    expect(await page.locator('h1').count()).toBe(1);
    expect(await page.locator('img').count()).toBe(0);
    expect(complaints).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(1_440);
    await page.context().close();
  });

  it('runs no script but its own, should one get in all the same', async () => {
    const smuggled = path.join(folder, 'smuggled.html');
    const page = await readFile(hostile, 'utf8');
    await writeFile(
      smuggled,
      page.replace(
        '</main>',
        '<script>document.title = "owned"</script><img src="https://example.org/x.png" onerror="document.title = \'owned\'"></main>',
      ),
    );
    const opened = await open(browser, smuggled);
    expect(await opened.page.title()).not.toBe('owned');
    expect(opened.complaints).toContain('blocked: https://example.org/x.png csp');
    expect(opened.complaints.join('\n')).toContain('Content Security Policy');
    await opened.page.context().close();
  });
});

describe('a report with more devices than it shows', () => {
  it('shows the most it may, says so, and sorts them in a moment', async () => {
    const { page, complaints } = await open(browser, full);
    expect(await page.locator('#attention tbody tr').count()).toBe(MOST_ATTENTION_ROWS);
    expect(await page.locator('#attention caption').textContent()).toContain(
      'The most urgent 2,000 of 2,500 devices; the rest is in evidence-1.csv',
    );
    await column(page, 'Device').getByRole('button').click();
    await page.getByLabel('Search').fill('LAPTOP-7 ');
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
