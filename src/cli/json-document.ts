/** What `--json` prints: instants are ISO text, as everything is that leaves Keyturn. Layer: cli. */

/** Names of instants. Durations have names that end otherwise, such as `pausedMs`. */
const INSTANT = /^(?:(?:.*[a-z])?(?:At|Since|Until|By)|at|since|until|from|acceptedAfter)Ms$/;

/** One document: `provenAtMs: 1795861800000` inside is `"provenAt": "2026-11-28T10:30:00.000Z"` there, at any depth. */
export function jsonDocument(document: unknown): string {
  return JSON.stringify(document, withInstants, 2);
}

function withInstants(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (!Object.keys(value).some((name) => INSTANT.test(name))) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) =>
      INSTANT.test(name) && typeof item === 'number' ? [name.slice(0, -2), isoOf(item)] : [name, item],
    ),
  );
}

/** `null` for what is no instant, as JSON has it for what is no number. */
function isoOf(atMs: number): string | null {
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
