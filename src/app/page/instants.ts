/** Instants as a report shows them. Pure. Layer: app. */
import { type Html, html } from './html.ts';

/** `2026-11-22 02:15 UTC`, machine-readable too. What is no instant is shown as it is. */
export function moment(iso: string): Html {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(iso)) return html`${iso}`;
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

/** `2026-11-22`. */
export function day(iso: string): Html {
  if (!/^\d{4}-\d\d-\d\dT/.test(iso)) return html`${iso}`;
  return html`<time datetime="${iso}">${iso.slice(0, 10)}</time>`;
}

/** `2026-11-22 02:15:07`, UTC. */
export function clockTime(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');
}
