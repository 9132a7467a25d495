/** What a report ends with: settings of the run, and how to check all of it. Layer: app. */

import { ON_DEMAND_FLOOR_MS } from '../../../domain/due.ts';
import type { RunId } from '../../../domain/ids.ts';
import { number, percent, plural, span } from '../../../domain/plain-figures.ts';
import type { ReportModel } from '../../../domain/report/report-model.ts';
import { evidenceName } from '../../evidence/evidence-head.ts';
import { type Html, html, NOTHING } from '../../page/html.ts';

export function settingsSection({ run }: ReportModel): Html {
  const { settings } = run;
  // Named devices need no canary, and their keys' age is no question.
  const isNamed = run.targets !== undefined;
  const budget = ({ limit, windowMs }: { readonly limit: number; readonly windowMs: number }) =>
    `${number(limit)} in ${span(windowMs)}`;
  const entries: readonly (readonly [string, string])[] = [
    ['Mode', run.dryRun ? 'dry run' : 'live'],
    ['Trigger', run.trigger],
    ...(run.targets === undefined ? [] : [['Targets', number(run.targets)] as const]),
    ['Keyturn', run.version],
    ['Graph', settings.graphRoot],
    ...(isNamed
      ? [['Youngest key that is rotated', `${span(ON_DEMAND_FLOOR_MS)}, on demand`] as const]
      : [
          ['ROTATION_MAX_KEY_AGE', span(settings.maxKeyAgeMs)] as const,
          ['ROTATION_MIN_KEY_AGE', span(settings.minKeyAgeMs)] as const,
        ]),
    ['ROTATION_SEEN_WITHIN', span(settings.seenWithinMs)],
    ['ROTATION_MAX_DEVICES', number(settings.maxDevices)],
    ['ROTATION_EXCLUDE', settings.exclude.length === 0 ? 'nothing' : settings.exclude.join(', ')],
    ...(isNamed
      ? []
      : [
          ['ROTATION_CANARY_DEVICES', number(settings.canaryDevices)] as const,
          ['ROTATION_CANARY_MIN_PROVEN', percent(settings.canaryMinProven, 1)] as const,
          ['ROTATION_CANARY_WAIT', span(settings.canaryWaitMs)] as const,
        ]),
    ['ROTATION_ABORT_FAILURE_RATE', percent(settings.abortFailureRate, 1)],
    ['CONFIRM_SCHEDULE', settings.confirmScheduleMs.map(span).join(', then ')],
    ['GRAPH_WRITE_BUDGET', budget(settings.budgets.write)],
    ['GRAPH_ANY_BUDGET', budget(settings.budgets.any)],
    ['GRAPH_KEY_BUDGET', budget(settings.budgets.key)],
    ['GRAPH_CONCURRENCY', number(settings.concurrency)],
    ['RECORD_TO_GRAPH', String(settings.recordToGraph)],
  ];
  return html`<section aria-labelledby="settings"><h2 id="settings">Settings of the run</h2>
<dl>${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>`;
}

export function evidenceSection({ run, evidence, figures }: ReportModel): Html {
  const heading = html`<h2 id="evidence">Evidence, and how to check it</h2>`;
  if (evidence === undefined) {
    return html`<section aria-labelledby="evidence">${heading}<p>The run has not ended: there is no evidence yet, and these figures are the ledger’s.</p></section>`;
  }
  const file = `evidence-${evidence.version}.csv`;
  return html`<section aria-labelledby="evidence">${heading}
<p>Every figure here is counted from <code>${evidenceName(run.runId as RunId, evidence.version)}</code> in the container <code>reports</code>: ${plural(evidence.lines, 'line')}, ${number(figures.devices)} of them a device each, the others the names of the columns, the run and the end; each is hashed with the one before. Its digest:</p>
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
