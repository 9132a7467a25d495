/** GUIDs that are made of what they stand for. Layer: app. */
import { createHash } from 'node:crypto';

/** Always the same for the same text; version 8, which is for such. Source: RFC 9562, 5.8 (read 2026-11-22). */
export function derivedGuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const groups = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`];
  return [...groups, hex.slice(20, 32)].join('-');
}
