/** A notification as the body of a request: plain JSON, or an Adaptive Card. Pure. Layer: notify adapter. */
import type { NotificationEvent, NotifyFormat, RunNotification } from '../domain/notification.ts';

const TITLES: Readonly<Record<NotificationEvent, string>> = {
  runEnded: 'run ended',
  runAborted: 'run aborted: nothing more is asked for, looks go on',
  deviceInDanger: 'device rotated, and no newer key is in escrow',
};

/** The text of the body. Plain JSON has the notification and nothing else, so that a flow can be made for it. */
export function notificationBody(notification: RunNotification, format: NotifyFormat): string {
  return JSON.stringify(format === 'json' ? notification : cardMessage(notification));
}

/**
 * One message with one card; far below the 28 KB that Teams takes. Version 1.4 is what every Teams client shows.
 * Source: Microsoft Teams documentation, "Create incoming webhooks with Workflows" and "Send Adaptive Cards" (read 2026-11-22).
 */
function cardMessage(notification: RunNotification): unknown {
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            {
              type: 'TextBlock',
              text: `Keyturn: ${TITLES[notification.event]}`,
              weight: 'Bolder',
              size: 'Medium',
              color: colorOf(notification),
              wrap: true,
            },
            { type: 'FactSet', facts: factsOf(notification) },
          ],
        },
      },
    ],
  };
}

function colorOf({ event, state, rotatedWithoutKey }: RunNotification): 'Attention' | 'Default' {
  return event !== 'runEnded' || state === 'aborted' || rotatedWithoutKey > 0 ? 'Attention' : 'Default';
}

interface Fact {
  readonly title: string;
  readonly value: string;
}

function factsOf(notification: RunNotification): readonly Fact[] {
  const { counts, skipped, abortReason, evidence, rotatedWithoutKeyIds } = notification;
  const all: readonly (readonly [string, string | number | undefined])[] = [
    ['Run', notification.runId],
    ['Tenant', notification.tenantId],
    ['State', `${notification.state}${notification.mode === 'dryRun' ? ', dry run: nothing was sent' : ''}`],
    ['Aborted because', abortReason],
    ['Rotated, never escrowed', notification.rotatedWithoutKey === 0 ? undefined : notification.rotatedWithoutKey],
    ['Entra device ids', rotatedWithoutKeyIds.length === 0 ? undefined : rotatedWithoutKeyIds.join(', ')],
    ['Devices', notification.devices],
    ['Due', notification.due],
    ...Object.entries(counts),
    ['skipped because', countsText(skipped)],
    ['Evidence', evidence === undefined ? undefined : `${evidence.version}, ${evidence.lines} lines`],
    ['Digest', evidence?.digest],
    ['At', notification.at],
  ];
  return all.flatMap(([title, value]) => (value === undefined ? [] : [{ title, value: String(value) }]));
}

function countsText(counts: Readonly<Record<string, number>>): string | undefined {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return parts.length === 0 ? undefined : parts.join(', ');
}
