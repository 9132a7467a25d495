import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { FleetDevice } from '../../../src/app/fleet/fleet-devices.ts';
import { type FleetResult, fleetLines } from '../../../src/cli/render/fleet-lines.ts';
import { type FleetPage, fleetPage } from '../../../src/cli/render/fleet-page.ts';
import { changesSince, type FleetPicture } from '../../../src/domain/fleet/fleet-picture.ts';
import type { ManagedDeviceId } from '../../../src/domain/ids.ts';
import { noKeyAges } from '../../../src/domain/key-ages.ts';
import { NOW_MS, PLAIN } from '../samples.ts';

const PICTURE: FleetPicture = {
  tenantId: '7e570000-0000-4000-8000-000000000001',
  at: '2026-11-22T20:15:00.000Z',
  devices: 1_200,
  eligible: 1_000,
  withoutKey: 40,
  pastMaxKeyAge: 300,
  nearKeyLimit: 3,
  atKeyLimit: 1,
  rotatedWithoutKey: 2,
  neverAnswered: 5,
  inProgress: 0,
  keyAges: { under30Days: 600, under90Days: 250, under180Days: 200, under365Days: 90, older: 10, none: 40 },
  ineligible: { notEncrypted: 142, notSeenRecently: 48, noEntraDeviceId: 8, duplicateRecord: 2 },
  silentSince: '2026-11-01T02:00:00.000Z',
};
const BEFORE: FleetPicture = { ...PICTURE, at: '2026-11-21T20:00:00.000Z', rotatedWithoutKey: 0, withoutKey: 45 };

const device = (changes: Partial<FleetDevice> = {}): FleetDevice => ({
  deviceName: 'LT-1',
  managedDeviceId: '00000001-0000-4000-8000-000000000001' as ManagedDeviceId,
  newestKeyAtMs: NOW_MS - 100 * 86_400_000,
  keyCount: 4,
  lastSyncAtMs: NOW_MS,
  needs: ['rotatedWithoutKey', 'pastMaxKeyAge'],
  isInProgress: false,
  askedAtMs: NOW_MS - 86_400_000,
  ...changes,
});

const result = (changes: Partial<FleetResult> = {}): FleetResult => ({
  picture: PICTURE,
  previous: BEFORE,
  changes: changesSince(BEFORE, PICTURE),
  rotatedWithoutKey: [device()],
  files: [],
  ...changes,
});

const lines = (changes: Partial<FleetResult> = {}) => fleetLines(result(changes), PLAIN, 120).join('\n');
const page = (
  inNeed: readonly FleetDevice[] = [device()],
  inNeedInAll = inNeed.length,
  changes: Partial<FleetPage> = {},
) =>
  [
    ...fleetPage({
      picture: PICTURE,
      previous: BEFORE,
      changes: changesSince(BEFORE, PICTURE),
      cloud: 'global',
      inNeed,
      inNeedInAll,
      ...changes,
    }),
  ].join('');

describe('the fleet at a terminal', () => {
  it('draws a histogram whose bars and shares are those of the figures', () => {
    const drawn = lines();
    expect(drawn).toMatch(/under 30 days +600 +█{15}░{15} +50 %/);
    expect(drawn).toMatch(/no key in escrow +40 +█░{29} +3 %/);
  });

  it('has every device in one row, those without an age too, so that the rows add up to the last', () => {
    const drawn = lines();
    expect(drawn).toMatch(/no Entra device id: age not known +8 +█░{29} +1 %/);
    expect(drawn).toMatch(/second record of a device +2 +█░{29} +under 1 %/);
    expect(drawn).not.toContain('not Windows');
    const all = drawn.split('\n').findIndex((line) => line.startsWith('all devices'));
    const rows = drawn.split('\n').slice(all - 8, all);
    const counts = rows.map((line) => Number(/ {2}([\d,]+) {2}/.exec(line)?.[1]?.replace(',', '')));
    expect(counts.reduce((sum, count) => sum + count)).toBe(1_200);
    expect(drawn).toMatch(/all devices +1,200\n/);
  });

  it.each([
    [1_199, 'over 99 %', 1, 'under 1 %'],
    [600, '50 %', 600, '50 %'],
    [1_194, 'over 99 %', 6, '1 %'],
    [1_200, '100 %', 0, '0 %'],
  ])('shares %i of 1,200 as %s, and %i as %s', (young, share, none, rest) => {
    const keyAges = { ...noKeyAges(), under30Days: young, none };
    const drawn = lines({ picture: { ...PICTURE, keyAges, ineligible: {} } });
    expect(drawn).toMatch(new RegExp(`under 30 days .* ${share}\\n`));
    expect(drawn).toMatch(new RegExp(`no key in escrow .* ${rest}\\n`));
  });

  it('says what is dangerous, of which devices, and what is no longer as it was', () => {
    const drawn = lines();
    expect(drawn).toMatch(/rotated, never escrowed +2 /);
    expect(drawn).toMatch(/LT-1 +2026-11-21 20:15 +00000001-/);
    expect(drawn).toContain('and 1 more; --csv lists all');
    expect(drawn).toMatch(/rotated, never escrowed +0 +2 +\+2/);
    expect(drawn).toMatch(/no key in escrow +45 +40 +−5/);
    expect(drawn).toMatch(/the first\b[\s\S]*\basked 2026-11-01 02:00/);
  });

  it.each([
    [{ changes: [] }, 'Since 2026-11-21 20:00 UTC nothing changed.'],
    [{ files: ['a.html', 'b.csv'] }, 'Written: a.html, b.csv'],
  ])('%j', (changes, words) => {
    expect(lines(changes)).toContain(words);
  });

  it('says of the first picture that there is none to compare with', () => {
    const { previous: _previous, ...first } = result({ changes: [] });
    expect(fleetLines(first, PLAIN, 120).join('\n')).toContain('There is no earlier picture');
  });
});

describe('the page', () => {
  it('allows its own style and script and nothing else, and has nothing else', () => {
    const html = page();
    const hashOf = (element: string) =>
      createHash('sha256')
        .update(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(html)?.[1] ?? '')
        .digest('base64');
    expect(html).toContain(
      `default-src &#39;none&#39;; style-src &#39;sha256-${hashOf('style')}&#39;; script-src &#39;sha256-${hashOf('script')}&#39;;`,
    );
    expect(html).not.toMatch(/<img|<iframe|\son\w+=|\sstyle=|\ssrc=|url\(|@import|http:/i);
    expect([...html.matchAll(/https:[^"]*/g)].every(([link]) => link.startsWith('https://intune.microsoft.com/'))).toBe(
      true,
    );
  });

  it('shows every figure, and devices with what they need', () => {
    const html = page([device(), device({ deviceName: 'LT-2', needs: ['withoutKey'], ineligible: 'notEncrypted' })], 9);
    for (const count of ['>600<', '>250<', '1,200 devices', '>300<']) expect(html).toContain(count);
    expect(html).toContain('>LT-2<');
    expect(html).toContain('>notEncrypted<span class="under">not encrypted, says Intune</span></td>');
    expect(html).toContain('Rotated, never escrowed; past the maximum age');
    expect(html).toContain('The first 2 of 9 devices, worst first; keyturn fleet --csv lists all');
    expect(html).toContain('2 devices rotated, and no newer key is in escrow.');
    expect(html).toContain(
      'No Entra device id: age not known: 8; second record of a device: 2. With those above these are all 1,200 devices.',
    );
  });

  it('compares with the picture before, or says why it cannot', () => {
    expect(page()).toMatch(
      /Rotated, never escrowed<\/th><td class="count">0<\/td><td class="count">2<\/td><td class="count">\+2</,
    );
    expect(page()).toMatch(
      /No key in escrow<\/th><td class="count">45<\/td><td class="count">40<\/td><td class="count">−5</,
    );
    expect(page([device()], 1, { changes: [] })).toContain('Nothing changed since');
    const { previous: _previous, ...first } = result({ changes: [] });
    const pageOfFirst = [...fleetPage({ ...first, cloud: 'global', inNeed: [], inNeedInAll: 0 })].join('');
    expect(pageOfFirst).toContain('There is no earlier picture');
  });

  it.each([
    ['usgov', 'https://intune.microsoft.us/'],
    ['china', 'https://intune.microsoftonline.cn/'],
  ] as const)('leads into the portal of the cloud: %s', (cloud, portal) => {
    expect(page([device()], 1, { cloud })).toContain(`href="${portal}`);
  });

  it('takes no name for markup, and shows what would hide', () => {
    const html = page([device({ deviceName: '<img src=x onerror=alert(1)>"\'&\u202e\u0000\ud800' })]);
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;\\u{202e}\\u{0}\ufffd');
    expect(html).not.toContain('<img');
  });
});
