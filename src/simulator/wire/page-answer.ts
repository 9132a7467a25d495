/** Turns a page into an answer, and makes it the broken page that a fault wants. Layer: simulator. */
import type { Fault } from '../faults.ts';
import { collectionBody, nextLinkOf, skipTokenOf, type WirePage } from './paging.ts';

/** Where `otherHost` leads: somewhere the bearer token must never go. */
export const FOREIGN_HOST = 'graph.contoso.example';

export interface PageRequest {
  readonly seed: number;
  readonly url: URL;
  readonly version: string;
  readonly context: string;
  /** Makes two links to one cursor differ. */
  readonly nonce: number;
}

/** Items repeated by `duplicates`; one in this many is lost by `lost`, at least one. */
const REPEATED = 10;
const LOST_ONE_IN = 50;

/** The body of a page, as asked for or as the fault has it. */
export function pageBody(page: WirePage, request: PageRequest, fault: Fault | undefined): string {
  const { seed, url, version, context } = request;
  const linkTo = (cursor: number | undefined, nonce = 0): string | undefined =>
    cursor === undefined ? undefined : nextLinkOf(url, skipTokenOf(seed, cursor, nonce));
  const next = linkTo(page.next);

  if (fault?.kind === 'nextLink') {
    const link = next ?? nextLinkOf(url, skipTokenOf(seed, page.from, 0));
    switch (fault.variant) {
      case 'loop':
        return collectionBody(context, page.items, url.href);
      case 'otherHost':
        return collectionBody(context, page.items, link.replace(url.origin, `https://${FOREIGN_HOST}`));
      case 'otherVersion':
        return collectionBody(
          context,
          page.items,
          link.replace(`/${version}/`, version === 'beta' ? '/v1.0/' : '/beta/'),
        );
    }
  }
  if (fault?.kind === 'page') {
    switch (fault.variant) {
      case 'again':
        return collectionBody(context, page.items, linkTo(page.from, request.nonce));
      case 'half': {
        const half = Math.ceil(page.items.length / 2);
        const rest = half < page.items.length ? linkTo(page.cursors[half - 1]) : next;
        return collectionBody(context, page.items.slice(0, half), rest);
      }
      case 'duplicates':
        return collectionBody(context, [...page.items, ...page.items.slice(0, REPEATED)], next);
      case 'lost':
        return collectionBody(
          context,
          page.items.filter((_, i) => i % LOST_ONE_IN !== 0),
          next,
        );
      case 'empty':
        return collectionBody(context, [], linkTo(page.from, request.nonce));
    }
  }
  return collectionBody(context, page.items, next);
}

/** Spoils a good body. */
export function malformedBody(
  variant: Extract<Fault, { kind: 'malformed' }>['variant'],
  body: string,
): { readonly body: string; readonly contentType: string } {
  const json = 'application/json;charset=utf-8';
  switch (variant) {
    case 'html':
      return {
        body: '<!DOCTYPE html><html><head><title>Service Unavailable</title></head><body><h1>Our services are not available right now</h1></body></html>',
        contentType: 'text/html',
      };
    case 'truncated':
      return { body: body.slice(0, Math.floor(body.length / 2)), contentType: json };
    case 'missingValue':
      return { body: '{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata"}', contentType: json };
    case 'wrongTypes': {
      const item =
        '{"id":42,"azureADDeviceId":{},"deviceName":null,"deviceId":7,"createdDateTime":"yesterday","isEncrypted":"yes","status":"ok"}';
      const whole = body.includes('"responses":[') ? `{"responses":[${item}]}` : `{"id":42,"value":[${item}]}`;
      return { body: whole, contentType: json };
    }
  }
}
