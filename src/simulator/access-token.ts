/** Unsigned bearer tokens that look like Entra's: made for the managed identity, checked on every request. Layer: simulator. */

export interface TokenClaims {
  readonly aud: string;
  readonly tid: string;
  readonly roles: readonly string[];
  /** Object id of the service principal it is issued to, and its application id. */
  readonly oid?: string;
  readonly appid?: string;
  /** Seconds since the epoch. */
  readonly exp: number;
}

/**
 * App roles Keyturn needs. Source: Microsoft Graph permissions reference (read 2026-11-22).
 */
export const GRANTED_BY_DEFAULT: readonly string[] = [
  'DeviceManagementManagedDevices.ReadWrite.All',
  'DeviceManagementConfiguration.ReadWrite.All',
  'BitlockerKey.ReadBasic.All',
  'AuditLog.Read.All',
];

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** An unsigned JWT; `id` makes each one different. */
export function issueToken(claims: TokenClaims, issuedAtMs: number, id: string): string {
  const payload = {
    ...claims,
    iss: `https://sts.windows.net/${claims.tid}/`,
    iat: Math.floor(issuedAtMs / 1000),
    nbf: Math.floor(issuedAtMs / 1000),
    idtyp: 'app',
    app_displayname: 'Keyturn',
    uti: id,
  };
  return `${encode({ typ: 'JWT', alg: 'none' })}.${encode(payload)}.`;
}

/** Reads a token made here; `undefined` for anything else. */
function readToken(token: string): TokenClaims | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return isClaims(claims) ? claims : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isClaims(value: unknown): value is TokenClaims {
  if (typeof value !== 'object' || value === null) return false;
  const { aud, tid, roles, exp } = value as Readonly<Record<string, unknown>>;
  return typeof aud === 'string' && typeof tid === 'string' && Array.isArray(roles) && typeof exp === 'number';
}

/** The claims of a valid `Authorization` header, or why it is not valid, in Entra's words. */
export type TokenCheck = (header: string | undefined, origin: string, nowMs: number) => TokenClaims | string;

/** Checks tokens of one tenant; the last one read is remembered, because most requests bring it again. */
export function createTokenCheck(tenantId: string): TokenCheck {
  let knownToken = '';
  let known: TokenClaims | undefined;
  return (header, origin, nowMs) => {
    const token = header?.startsWith('Bearer ') === true ? header.slice(7) : '';
    if (token === '') return 'Access token is empty.';
    if (token !== knownToken) {
      knownToken = token;
      known = readToken(token);
    }
    if (known === undefined) return 'IDX14100: JWT is not well formed.';
    if (known.aud.replace(/\/+$/, '') !== origin) return 'Access token validation failure. Invalid audience.';
    if (known.tid !== tenantId) return 'Access token is from the wrong issuer.';
    if (known.exp * 1000 <= nowMs) return 'Lifetime validation failed, the token is expired.';
    return known;
  };
}
