/** A run's report as one self-contained page. Layer: app. */
import type { ReportModel } from '../../../domain/report/report-model.ts';
import { type Html, html } from '../../page/html.ts';
import { renderPage } from '../../page/render-page.ts';
import { attentionSection } from './attention-section.ts';
import { ageSection, timeSection } from './chart-sections.ts';
import { evidenceSection, settingsSection } from './closing-sections.ts';
import { funnelSection, outcomeSection, verdictSection } from './outcome-sections.ts';
import { quotaSection } from './quota-section.ts';

/** The page, piece by piece: what is asked first comes first. */
export function renderReport(model: ReportModel): Generator<string> {
  const { runId, version } = model.run;
  const source = model.evidence === undefined ? 'the ledger, as it stood, for' : 'the evidence of';
  return renderPage({
    title: `Keyturn report of run ${runId}`,
    main: sections(model),
    footer: html`Made by Keyturn ${version} from ${source} run ${runId}. It holds ids, names and times of devices, and no key.`,
  });
}

function* sections(model: ReportModel): Generator<Html> {
  yield verdictSection(model);
  yield funnelSection(model);
  yield outcomeSection(model);
  yield quotaSection(model);
  yield html`<div class="pair">${ageSection(model)}${timeSection(model)}</div>`;
  yield attentionSection(model);
  yield settingsSection(model);
  yield evidenceSection(model);
}
