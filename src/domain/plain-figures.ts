/** Numbers, shares, spans of time and instants as people read them, in every text and page. Pure. Layer: domain. */

/** `1,234`. */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 device`, `1,234 devices`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** `87 %`, or `87.5 %` with one decimal; never rounded up to a whole that is not there, nor down to nothing. */
export function percent(share: number, decimals: 0 | 1 = 0): string {
  const parts = 10 ** decimals;
  const least = 0.01 / parts;
  if (share > 0 && share < least) return `under ${1 / parts} %`;
  return `${number(Math.floor(share * 100 * parts + 1e-9) / parts)} %`;
}

/** `87 %`, to the nearest; never none of something, nor the whole of less. */
export function roundedPercent(share: number): string {
  const rounded = Math.round(share * 100);
  if (share > 0 && rounded === 0) return 'under 1 %';
  if (share < 1 && rounded >= 100) return 'over 99 %';
  return `${rounded} %`;
}

/** Units of time, largest first, with their length in ms. */
export const TIME_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** The two largest units: `3 d 4 h`, `1 min 20 s`; under ten seconds with a decimal: `0.4 s`; under a tenth of one: `45 ms`. */
export function span(ms: number): string {
  if (ms >= 0.5 && ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${Math.max(0, Math.round(ms / 100) / 10)} s`;
  const parts: string[] = [];
  let leftMs = Math.round(ms / 1_000) * 1_000;
  for (const [name, unitMs] of TIME_UNITS) {
    const count = Math.floor(leftMs / unitMs);
    leftMs -= count * unitMs;
    if (count > 0) parts.push(`${count} ${name}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

/** `2026-11-22 20:15`, of UTC, which the text around it says. */
export function moment(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
}

/** An error code of Windows and Intune as Microsoft writes it: `0x87D1FDE8`. */
export function hresult(code: number): string {
  return `0x${(code >>> 0).toString(16).toUpperCase().padStart(8, '0')}`;
}
