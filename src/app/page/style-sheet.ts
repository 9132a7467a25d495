/** The style sheet of all pages: light and dark, narrow and wide, screen and paper. Layer: app. */

/** No colour alone says anything; each pair of text and ground has a contrast of at least 4.5. */
export const STYLE_SHEET = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --text: #1b2430; --soft: #55606e; --line: #d9dee5; --link: #0b5cad;
  --fill: #2563b8; --before: #8a94a3; --track: #e8ecf1; --pause: #f7e2bf;
  --good: #17713f; --good-ground: #e5f4ea; --warn: #8a4b00; --warn-ground: #fdf0dc;
  --bad: #b3261e; --bad-ground: #fde9e7; --neutral: #3f4a59; --neutral-ground: #e9edf2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161c; --card: #1b2129; --text: #e8ecf1; --soft: #a7b1be; --line: #353e4a; --link: #8abfff;
    --fill: #5f9eea; --before: #77828f; --track: #2a323d; --pause: #4b3610;
    --good: #7ddba3; --good-ground: #14301f; --warn: #f5bf73; --warn-ground: #38270d;
    --bad: #ff9d94; --bad-ground: #401a17; --neutral: #c3ccd7; --neutral-ground: #29313b;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif;
}
main, footer { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
footer { padding-bottom: 40px; color: var(--soft); font-size: 14px; }
a { color: var(--link); }
h1 { font-size: 16px; font-weight: 600; margin: 28px 0 4px; color: var(--soft); letter-spacing: .01em; }
h2 { font-size: 19px; margin: 0 0 4px; line-height: 1.3; }
p { margin: 0 0 12px; }
.note { color: var(--soft); font-size: 14px; max-width: 80ch; }
.facts { color: var(--soft); font-size: 14px; margin: 0 0 14px; overflow-wrap: anywhere; }
.verdict { border-radius: 12px; padding: 20px 24px; margin: 0 0 20px; border-left: 8px solid currentColor; }
.verdict p { margin: 0; }
.verdict .headline { font-size: 25px; font-weight: 650; line-height: 1.25; margin-bottom: 6px; }
.verdict .needs { color: var(--text); }
.tone-good { color: var(--good); background: var(--good-ground); }
.tone-warn { color: var(--warn); background: var(--warn-ground); }
.tone-bad { color: var(--bad); background: var(--bad-ground); }
.tone-neutral { color: var(--neutral); background: var(--neutral-ground); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 20px 24px; margin: 0 0 20px; }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 20px; }
.pair > section { min-width: 0; }
.scroll { overflow: auto; max-height: 80vh; }
.scroll thead th { position: sticky; top: 0; background: var(--card); box-shadow: 0 1px var(--line); z-index: 1; }
table { border-collapse: collapse; width: 100%; font-size: 15px; }
caption { text-align: left; color: var(--soft); font-size: 14px; padding: 0 0 8px; }
th, td { text-align: left; vertical-align: top; padding: 7px 14px 7px 0; border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-size: 13px; color: var(--soft); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; }
.count { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wide { width: 45%; }
.bar { display: block; margin-top: 5px; }
.twin .bar + .bar { margin-top: 3px; }
.twin .bar { margin-top: 3px; }
.track { fill: var(--track); } .fill { fill: var(--fill); } .before { fill: var(--before); }
.key { display: inline-block; width: 12px; height: 12px; border-radius: 3px; vertical-align: -1px; margin-right: 5px; }
.key-before { background: var(--before); } .key-after { background: var(--fill); }
.chart { display: block; overflow: visible; margin-top: 8px; }
.chart text { fill: var(--soft); font-size: 12px; }
.chart .value { fill: var(--text); }
.axis { stroke: var(--soft); } .break { stroke: var(--soft); stroke-dasharray: 2 3; }
.limit { stroke: var(--text); stroke-width: 1.5; }
.band { fill: var(--pause); } .strip { fill: var(--warn); }
.mark { fill: none; stroke: var(--bad); stroke-width: 2; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 20px; margin: 10px 0 12px; padding: 0; list-style: none; font-size: 14px; color: var(--soft); }
.legend svg { margin-right: 7px; vertical-align: -2px; }
.tag { display: inline-block; border-radius: 5px; padding: 0 7px; font-size: 13px; font-weight: 600; white-space: nowrap; }
.tag-danger { color: var(--bad); background: var(--bad-ground); }
.tag-act { color: var(--warn); background: var(--warn-ground); }
.tag-wait { color: var(--neutral); background: var(--neutral-ground); }
.tag-fine { color: var(--good); background: var(--good-ground); }
.under { display: block; color: var(--soft); font-size: 14px; font-weight: 400; }
.attention { font-size: 14px; }
.attention td, .attention tbody th { padding-top: 6px; padding-bottom: 6px; }
.attention tbody th { max-width: 300px; overflow-wrap: anywhere; }
.attention .under { font-size: 12px; }
.nowrap { white-space: nowrap; }
thead button { font: inherit; color: inherit; background: none; border: 0; padding: 4px 2px; margin: -4px -2px; cursor: pointer; text-align: inherit; }
thead button:hover { color: var(--text); }
thead button::after { content: "\\2195"; content: "\\2195" / ""; display: inline-block; width: 1em; margin-left: 4px; opacity: .6; }
th[aria-sort="ascending"] button::after { content: "\\2191"; content: "\\2191" / ""; opacity: 1; }
th[aria-sort="descending"] button::after { content: "\\2193"; content: "\\2193" / ""; opacity: 1; }
.search { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; margin: 12px 0; }
.search[hidden], tr[hidden] { display: none; }
.search input {
  font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--soft); border-radius: 8px;
  padding: 7px 12px; width: min(100%, 340px);
}
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
details { margin-top: 10px; font-size: 14px; }
summary { cursor: pointer; color: var(--soft); }
details table { font-size: 14px; margin-top: 8px; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 20px; margin: 8px 0 0; font-size: 15px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
code { font: 14px/1.5 ui-monospace, "Cascadia Mono", Menlo, "Liberation Mono", monospace; overflow-wrap: anywhere; }
pre { background: var(--ground); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; margin: 10px 0; white-space: pre-wrap; }
@media (max-width: 760px) {
  main, footer { padding: 0 12px; }
  section, .verdict { padding: 16px; border-radius: 10px; }
  .pair { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .verdict .headline { font-size: 20px; }
  .wide { width: 34%; }
  th, td { padding-right: 10px; }
  .stack thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; white-space: nowrap; }
  .crowded { display: none; }
  .scroll { max-height: none; }
  .sortable.stack thead { display: block; position: static; clip-path: none; width: auto; height: auto; overflow: visible; }
  .sortable.stack thead tr { display: flex; flex-wrap: wrap; gap: 0 14px; }
  .sortable.stack thead tr::before { content: "Sort by"; color: var(--soft); font-size: 13px; padding: 1px 0; }
  .sortable.stack thead th { position: static; box-shadow: none; }
  .stack, .stack tbody, .stack tr, .stack th, .stack td, .stack caption { display: block; width: auto; }
  .stack tr { border-bottom: 1px solid var(--line); padding: 8px 0; }
  .stack tr:last-child { border-bottom: 0; }
  .stack th, .stack td { border: 0; padding: 1px 0; text-align: left; max-width: none; }
  .stack td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
  .stack td:empty { display: none; }
  .stack td.beside { display: inline-block; margin-right: 18px; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dd { margin-bottom: 8px; }
}
@media print {
  @page { margin: 14mm; }
  :root {
    color-scheme: light;
    --ground: #ffffff; --card: #ffffff; --text: #000000; --soft: #444444; --line: #bbbbbb; --link: #000000;
    --fill: #2563b8; --before: #8a94a3; --track: #eeeeee; --pause: #e4e4e4;
    --good: #17713f; --good-ground: #ffffff; --warn: #8a4b00; --warn-ground: #ffffff;
    --bad: #b3261e; --bad-ground: #ffffff; --neutral: #3f4a59; --neutral-ground: #ffffff;
  }
  body { font-size: 10pt; }
  main, footer { max-width: none; padding: 0; }
  section { border: 0; padding: 0; margin: 0 0 18pt; }
  .verdict { padding: 8pt 12pt; }
  table, .attention, caption, .note, .facts, details { font-size: 9pt; }
  .search, details:not([open]) { display: none; }
  thead { display: table-header-group; }
  thead th { white-space: normal; }
  tr, figure, .chart, .verdict { break-inside: avoid; }
  h2 { break-after: avoid; }
  a { text-decoration: none; }
  .scroll { overflow: visible; max-height: none; }
  .scroll thead th { position: static; box-shadow: none; }
  .attention tr[hidden] { display: table-row; }
  .attention th, .attention td { overflow-wrap: anywhere; padding-right: 6pt; }
  .under, .attention .under, dl { font-size: 8pt; }
  .pair > section { break-inside: avoid; }
  thead button::after { content: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
figure { margin: 0 0 8px; }
`;
