import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeText, html, verbatim } from '../../../src/app/page/html.ts';
import { renderReport } from '../../../src/app/report/html/render-report.ts';
import { sampleRotation } from '../../contracts/samples.ts';
import { HOSTILE_NAMES, reportModel } from '../../support/report-models.ts';

const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({
    unit: fc.constantFrom('<', '>', '"', "'", '&', '`', '/', '=', ' ', 'a', '\u0000', '\u202e'),
    maxLength: 40,
  }),
  fc.constantFrom(...HOSTILE_NAMES),
);

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#96': '`' };
const read = (markup: string) => markup.replace(/&(#?\w+);/g, (_all, name: string) => ENTITIES[name] ?? '?');

const page = (deviceName: string) =>
  [...renderReport(reportModel([sampleRotation(0, { deviceName, state: 'overdue' })], { createdAtMs: 1e12 }))].join('');
/** The page's markup without texts and values: its tags, in their order. */
const skeleton = (markup: string) => markup.match(/<\/?[a-z][a-z0-9]*|<!/gi);

describe('escaped text', () => {
  it('holds nothing that HTML could take for markup, and reads as what it was', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const escaped = escapeText(text);
        expect(escaped).not.toMatch(/[<>"'`]|&(?!(amp|lt|gt|quot|#39|#96);)/);
        expect(escaped).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u);
        const plain = text.toWellFormed();
        if (!/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/u.test(plain)) {
          expect(read(escaped)).toBe(plain);
        }
      }),
    );
  });

  it('is what a template makes of every insert that is not markup', () => {
    expect(html`<b title="${'"'}">${'<i>'}${html`<i>${1}</i>`}${[html`<u></u>`, html`<s></s>`]}</b>`.markup).toBe(
      '<b title="&quot;">&lt;i&gt;<i>1</i><u></u><s></s></b>',
    );
  });

  it('is not made of a style sheet or script, which must not end its element', () => {
    expect(verbatim('a > b { }').markup).toBe('a > b { }');
    expect(() => verbatim('"</script>"')).toThrow(TypeError);
  });
});

describe('a page', () => {
  it('has the same tags whatever a device is called', () => {
    const plain = skeleton(page('LAPTOP-1'));
    fc.assert(
      fc.property(hostileText, (name) => {
        expect(skeleton(page(name))).toEqual(plain);
      }),
      { numRuns: 200 },
    );
  });

  it('allows its own style sheet and script by their hashes, nothing else, and has no handler or address of its own', () => {
    const text = page('LAPTOP-1');
    const policy = read(/http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(text)?.[1] ?? '');
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; script-src 'sha256-[\w+/]{43}='; img-src data:; base-uri 'none'; form-action 'none'$/,
    );
    expect(text).not.toMatch(/\son\w+=|\sstyle=|\ssrc=|@import|url\(/);
    const addresses = [...text.matchAll(/href="([^"]*)"/g)].map((match) => match[1]);
    expect(addresses).toHaveLength(2);
    expect(addresses[0]).toBe('data:,');
    expect(addresses[1]).toMatch(/^https:\/\/intune\.microsoft\.com\/#view\//);
  });

  it('links to nowhere for an id that is no GUID', () => {
    const rotation = sampleRotation(0, { state: 'overdue', managedDeviceId: 'javascript:alert(1)' as never });
    expect([...renderReport(reportModel([rotation]))].join('')).not.toContain('<a ');
  });
});
