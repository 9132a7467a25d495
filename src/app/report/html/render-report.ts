/** A run's report as one self-contained page: it asks nobody for anything, and nothing in it can make it. Layer: app. */
import { hash } from 'node:crypto';
import type { ReportModel } from '../../../domain/report/report-model.ts';
import { attentionSection } from './attention-section.ts';
import { ageSection, timeSection } from './chart-sections.ts';
import { evidenceSection, settingsSection } from './closing-sections.ts';
import { html, verbatim } from './html.ts';
import { funnelSection, outcomeSection, verdictSection } from './outcome-sections.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { quotaSection } from './quota-section.ts';
import { STYLE_SHEET } from './style-sheet.ts';

/**
 * The page, piece by piece. Its policy allows the one style sheet and the one script, by their hashes, and nothing else from anywhere.
 * Source: Content Security Policy Level 3, sections 2.3.1 "hash-source" and 3.3 "The <meta> element" (read 2026-11-22).
 */
export function* renderReport(model: ReportModel): Generator<string> {
  const policy = [
    "default-src 'none'",
    `style-src '${hashSource(STYLE_SHEET)}'`,
    `script-src '${hashSource(PAGE_SCRIPT)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  yield html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>Keyturn report of run ${model.run.runId}</title>
<link rel="icon" href="data:,">
<style>${verbatim(STYLE_SHEET)}</style>
</head>
<body>
<main>
`.markup;
  yield verdictSection(model).markup;
  yield funnelSection(model).markup;
  yield outcomeSection(model).markup;
  yield quotaSection(model).markup;
  yield html`<div class="pair">${ageSection(model)}${timeSection(model)}</div>`.markup;
  yield attentionSection(model).markup;
  yield settingsSection(model).markup;
  yield evidenceSection(model).markup;
  yield html`
</main>
<footer>Made by Keyturn ${model.run.version} from ${model.evidence === undefined ? 'the ledger, as it stood, for' : 'the evidence of'} run ${model.run.runId}. It holds ids, names and times of devices, and no key.</footer>
<script>${verbatim(PAGE_SCRIPT)}</script>
</body>
</html>
`.markup;
}

function hashSource(text: string): string {
  return `sha256-${hash('sha256', text, 'base64')}`;
}
