/** What a report ends with: settings of the run, and how to check all of it. Layer: app. */
import type { RunId } from '../../../domain/ids.ts';
import type { ReportModel } from '../../../domain/report/report-model.ts';
import { evidenceName } from '../../evidence/evidence-head.ts';
import { type Html, html, NOTHING } from './html.ts';
import { number, percent, plural, span } from './words.ts';

export function settingsSection({ run }: ReportModel): Html {
  const { settings } = run;
  const budget = ({ limit, windowMs }: { readonly limit: number; readonly windowMs: number }) =>
    `${number(limit)} in ${span(windowMs)}`;
  const entries: readonly (readonly [string, string])[] = [
    ['Mode', run.dryRun ? 'dry run' : 'live'],
    ['Trigger', run.trigger],
    ...(run.targets === undefined ? [] : [['Targets', number(run.targets)] as const]),
    ['Keyturn', run.version],
    ['Graph', settings.graphRoot],
    ['ROTATION_MAX_KEY_AGE', span(settings.maxKeyAgeMs)],
    ['ROTATION_MIN_KEY_AGE', span(settings.minKeyAgeMs)],
    ['ROTATION_SEEN_WITHIN', span(settings.seenWithinMs)],
    ['ROTATION_MAX_DEVICES', number(settings.maxDevices)],
    ['ROTATION_EXCLUDE', settings.exclude.length === 0 ? 'nothing' : settings.exclude.join(', ')],
    ['ROTATION_CANARY_DEVICES', number(settings.canaryDevices)],
    ['ROTATION_CANARY_MIN_PROVEN', percent(settings.canaryMinProven)],
    ['ROTATION_CANARY_WAIT', span(settings.canaryWaitMs)],
    ['ROTATION_ABORT_FAILURE_RATE', percent(settings.abortFailureRate)],
    ['CONFIRM_SCHEDULE', settings.confirmScheduleMs.map(span).join(', then ')],
    ['GRAPH_WRITE_BUDGET', budget(settings.budgets.write)],
    ['GRAPH_ANY_BUDGET', budget(settings.budgets.any)],
    ['GRAPH_KEY_BUDGET', budget(settings.budgets.key)],
    ['GRAPH_CONCURRENCY', number(settings.concurrency)],
    ['RECORD_TO_GRAPH', String(settings.recordToGraph)],
  ];
  const unresolved = run.unresolved ?? [];
  return html`<section aria-labelledby="settings"><h2 id="settings">Settings of the run</h2>
<dl>${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>${
    unresolved.length === 0 ? NOTHING : html`<p class="note">Targets that named no device: ${unresolved.join('; ')}</p>`
  }</section>`;
}

export function evidenceSection({ run, evidence }: ReportModel): Html {
  const heading = html`<h2 id="evidence">Evidence, and how to check it</h2>`;
  if (evidence === undefined) {
    return html`<section aria-labelledby="evidence">${heading}<p>The run has not ended: there is no evidence yet, and these figures are the ledger’s.</p></section>`;
  }
  const file = `evidence-${evidence.version}.csv`;
  return html`<section aria-labelledby="evidence">${heading}
<p>Every figure here is counted from <code>${evidenceName(run.runId as RunId, evidence.version)}</code> in the container <code>reports</code>: ${plural(evidence.lines, 'line')}, one for each device, each hashed with the one before. Its digest:</p>
<pre><code>${evidence.digest}</code></pre>
<p>Check it, offline, against the ledger, or against the tenant itself:</p>
<pre><code>npx keyturn verify ${file}
npx keyturn verify ${file} --graph</code></pre>
<p class="note">The same digest stands in the run’s row, in the log and in the file’s metadata. ${
    run.previousDigest === undefined
      ? NOTHING
      : html`The version before had the digest <code>${run.previousDigest}</code>. `
  }This page proves nothing by itself: the file does.</p></section>`;
}
