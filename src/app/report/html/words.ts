/** Numbers, spans and instants as a report shows them. Pure. Layer: app. */
import { type Html, html } from './html.ts';

/** `1,234`. */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 device`, `1,234 devices`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** `12.3 %`; never rounded up to a whole that is not there, nor down to nothing. */
export function percent(share: number): string {
  if (share > 0 && share < 0.001) return 'under 0.1 %';
  return `${number(Math.floor(share * 1_000 + 1e-9) / 10)} %`;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** The two largest units: `3 d 4 h`, `20 s`, `450 ms`. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const parts: string[] = [];
  let leftMs = Math.round(ms / 1_000) * 1_000;
  for (const [name, unitMs] of UNITS) {
    const count = Math.floor(leftMs / unitMs);
    leftMs -= count * unitMs;
    if (count > 0) parts.push(`${count} ${name}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

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
