/** Walks a collection page by page, from the beginning or from where an earlier process stopped. Layer: graph. */
import type { Demand } from '../domain/pacer.ts';
import type { CallOptions } from '../domain/ports.ts';
import type { RequestClass } from '../domain/request-class.ts';
import type { Page } from '../domain/tenant.ts';
import type { GraphOperation } from './app-roles.ts';
import type { GraphClient } from './client.ts';
import { type ErrorContext, untrustedLink } from './errors.ts';
import type { Links } from './links.ts';
import { collectionSchema, parseWire } from './wire.ts';

/** Reads one member; `undefined` leaves it out. */
export type ParseItem<T> = (value: unknown, context: ErrorContext, at: readonly PropertyKey[]) => T | undefined;

/** A collection and how to read it. */
export interface Collection<T> {
  readonly operation: GraphOperation;
  readonly requestClass: RequestClass;
  /** Of the first page. */
  readonly url: string;
  /** The links its pages may have: below the version its URL is of. */
  readonly links: Links;
  readonly parseItem: ParseItem<T>;
}

/**
 * The members and the link of one page, which may also be a part of a batch.
 * @throws {GraphError} kind `malformed`, kind `untrustedLink`.
 */
export function parseCollection<T>(
  parseItem: ParseItem<T>,
  links: Links,
  value: unknown,
  context: ErrorContext,
  at: readonly PropertyKey[] = [],
): Page<T> {
  const collection = parseWire(collectionSchema, value, context, at);
  const items: T[] = [];
  for (const [i, member] of collection.value.entries()) {
    const item = parseItem(member, context, [...at, 'value', i]);
    if (item !== undefined) items.push(item);
  }
  const link = collection['@odata.nextLink'];
  return link === undefined ? { items } : { items, next: links.toNext(link, context) };
}

/**
 * The pages of a collection. Each page is requested when it is asked for.
 * @throws {GraphError} kind `untrustedLink` also when a link comes a second time: the listing would never end.
 */
export async function* pages<T>(
  client: GraphClient,
  collection: Collection<T>,
  from: string | undefined,
  options: CallOptions,
): AsyncGenerator<Page<T>, void, void> {
  const { operation, requestClass, parseItem, links } = collection;
  const demand: Demand = { [requestClass]: 1 };
  const seen = new Set<string>(from === undefined ? [] : [from]);
  let url = from === undefined ? collection.url : links.toUrl(from, client.contextOf(operation));
  for (;;) {
    const { answer, json } = await client.read(
      { operation, method: 'GET', url, demand, requestClass, onAbort: 'abandon' },
      options,
    );
    const context = client.contextOf(operation, answer);
    const page = parseCollection(parseItem, links, json, context);
    if (page.next !== undefined && seen.has(page.next)) {
      throw untrustedLink(context, 'it was followed before, so the listing would never end');
    }
    yield page;
    if (page.next === undefined) return;
    seen.add(page.next);
    url = links.toUrl(page.next, context);
  }
}
