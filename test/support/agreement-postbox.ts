/** The real sender of notifications, in both formats, and what it posted. */
import { createHttpHeaders } from '@azure/core-rest-pipeline';
import { NOTIFY_FORMATS, type Notifier, type NotifyFormat } from '../../src/domain/notification.ts';
import type { Clock } from '../../src/domain/ports.ts';
import { createWebhookNotifier } from '../../src/notify/webhook.ts';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';

export interface Posted {
  readonly format: NotifyFormat;
  /** As it would be on the wire. */
  readonly body: string;
}

export interface Postbox {
  /** Posts each notification once in each format, and is always told that it arrived. */
  readonly notifier: Notifier;
  readonly posted: readonly Posted[];
}

export function createPostbox(clock: Clock): Postbox {
  const posted: Posted[] = [];
  const senders = NOTIFY_FORMATS.map((format) =>
    createWebhookNotifier({
      url: 'https://hook.example/secret-path',
      format,
      clock,
      random: createSeededRandom(1),
      version: '0.0.0',
      httpClient: {
        async sendRequest(request) {
          posted.push({ format, body: String(request.body) });
          return { request, status: 202, headers: createHttpHeaders() };
        },
      },
    }),
  );
  return {
    posted,
    notifier: {
      async send(notification, signal) {
        for (const sender of senders) await sender.send(notification, signal);
        return { kind: 'sent' };
      },
    },
  };
}
