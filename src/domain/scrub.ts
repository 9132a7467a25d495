/** The net below the allow-list: removes from a text what looks like a secret. Pure. Layer: domain. */

const SECRETS: readonly RegExp[] = [
  // A recovery password: eight groups of six digits, however they are separated.
  /\d{6}(?:\D{0,3}\d{6}){7}/g,
  // A JSON web token, whole or cut short.
  /eyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g,
  /\bBearer\s+[^\s"',;]+/gi,
  // Storage keys and signatures in connection strings and URLs.
  /\b(?:AccountKey|SharedAccessSignature|SharedAccessKey|sig|client_secret|access_token|refresh_token)=[^\s"',;&]+/gi,
];

/**
 * `text` with recovery passwords, tokens and storage keys replaced by `[redacted]`. A last line of defence: what may be logged is
 * decided by the allow-list (`LOG_FIELDS`, `errorFields`), not here.
 */
export function scrub(text: string): string {
  return SECRETS.reduce((scrubbed, secret) => scrubbed.replace(secret, '[redacted]'), text);
}
