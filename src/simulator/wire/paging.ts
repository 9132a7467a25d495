/** Opaque `$skiptoken`s: a cursor nobody else can make, and the page they lead to. Layer: simulator. */
import { hash32 } from '../seeded-random.ts';

/** One page, its items already JSON. */
export interface WirePage {
  readonly items: readonly string[];
  /** Where to go on after each item. */
  readonly cursors: readonly number[];
  /** Where the page began, and where to go on; `next` absent on the last page. */
  readonly from: number;
  readonly next?: number;
}

/** A token for the cursor; `nonce` makes two tokens for one cursor differ. */
export function skipTokenOf(seed: number, cursor: number, nonce: number): string {
  const check = hash32(seed, hash32(seed, cursor, nonce), 77);
  return Buffer.from(`${cursor}.${nonce}.${check}`).toString('base64url');
}

/** The cursor, or `undefined` for a token that was not issued here. */
export function cursorOf(seed: number, token: string): number | undefined {
  const [cursorText, nonceText] = Buffer.from(token, 'base64url').toString().split('.');
  const cursor = Number(cursorText);
  const nonce = Number(nonceText);
  if (!Number.isSafeInteger(cursor) || !Number.isSafeInteger(nonce)) return undefined;
  return skipTokenOf(seed, cursor, nonce) === token ? cursor : undefined;
}

/** The same URL with that token; every other option is kept. */
export function nextLinkOf(requestUrl: URL, token: string): string {
  const rest = requestUrl.search
    .slice(1)
    .split('&')
    .filter((part) => part !== '' && !/^(\$|%24)skiptoken=/i.test(part));
  return `${requestUrl.origin}${requestUrl.pathname}?${[...rest, `$skiptoken=${token}`].join('&')}`;
}

/** A collection answer. */
export function collectionBody(context: string, items: readonly string[], nextLink: string | undefined): string {
  const next = nextLink === undefined ? '' : `"@odata.nextLink":${JSON.stringify(nextLink)},`;
  return `{"@odata.context":${JSON.stringify(context)},${next}"value":[${items.join(',')}]}`;
}
