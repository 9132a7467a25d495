/** Collections, whole or per id: the first pages of many in batches, the rest read on. Layer: graph. */
import { GraphError, type GraphErrorKind } from '../domain/graph-error.ts';
import type { CallOptions, Logger } from '../domain/ports.ts';
import type { Page, Reading } from '../domain/tenant.ts';
import type { BatchPlan, BatchReader } from './batch.ts';
import type { GraphClient } from './client.ts';
import { type Collection, type ParseItem, pages, parseCollection } from './paging.ts';
import { type Route, routeUrl } from './routes.ts';

export interface ListingDeps {
  readonly client: GraphClient;
  readonly batches: BatchReader;
  readonly graphRoot: string;
  readonly logger: Logger;
}

/** A collection and how to read it, wherever it is. */
export type Listing<T> = Omit<Collection<T>, 'url'>;

export interface Listings {
  /**
   * Its pages, each requested when it is asked for.
   * @throws {GraphError} of every kind. @throws {TypeError} at once for an id that is not one path segment.
   */
  all<T>(listing: Listing<T>, route: Route, from: string | undefined, options: CallOptions): AsyncIterable<Page<T>>;
  /**
   * One collection per id, all pages of it. A collection that cannot be read to its end is `unreadable`, so that part of it never passes
   * for all of it and one id does not hold up the others; the log says what was wrong with it.
   * @throws {GraphError} as `BatchReader.read`. @throws {TypeError} as `routePath`.
   */
  each<Id extends string, T>(
    listing: Listing<T>,
    route: (id: Id) => Route,
    ids: readonly Id[],
    options: CallOptions,
  ): Promise<Map<Id, Reading<readonly T[]>>>;
}

/** The status that stands for a fault of one collection; `undefined` for a fault that concerns every one of them. */
const STATUS_OF: Readonly<Record<GraphErrorKind, number | undefined>> = {
  throttled: 429,
  // No answer at all, unless the error knows better.
  unavailable: 0,
  notFound: 404,
  badRequest: 400,
  // These came in a 200.
  malformed: 200,
  untrustedLink: 200,
  unauthorized: undefined,
  forbidden: undefined,
};

/** Listings over one client. */
export function createListings(deps: ListingDeps): Listings {
  const { batches, client, graphRoot, logger } = deps;

  function all<T>(listing: Listing<T>, route: Route, from: string | undefined, options: CallOptions) {
    return pages(client, { ...listing, url: routeUrl(graphRoot, route) }, from, options);
  }

  async function readOn<T>(
    listing: Listing<T>,
    { value: first, ...found }: Extract<Reading<Page<T>>, { kind: 'found' }>,
    route: () => Route,
    options: CallOptions,
  ): Promise<Reading<readonly T[]>> {
    if (first.next === undefined) return { ...found, value: first.items };
    const items = [...first.items];
    try {
      for await (const page of all(listing, route(), first.next, options)) items.push(...page.items);
      return { ...found, value: items };
    } catch (error) {
      const status = error instanceof GraphError ? STATUS_OF[error.kind] : undefined;
      if (!(error instanceof GraphError) || status === undefined) throw error;
      if (error.kind !== 'throttled' && error.kind !== 'unavailable') {
        logger.warn(error.message, { route: listing.operation, errorKind: error.kind, requestId: error.requestId });
      }
      return { kind: 'unreadable', status: error.status ?? status };
    }
  }

  async function each<Id extends string, T>(
    listing: Listing<T>,
    route: (id: Id) => Route,
    ids: readonly Id[],
    options: CallOptions,
  ): Promise<Map<Id, Reading<readonly T[]>>> {
    const { operation, requestClass, links } = listing;
    const parseItem: ParseItem<T> = listing.parseItem;
    const plan: BatchPlan<Id, Page<T>> = {
      operation,
      requestClass,
      route,
      parse: (body, context, at) => parseCollection(parseItem, links, body, context, at),
    };
    const readings = new Map<Id, Reading<readonly T[]>>();
    for (const [id, first] of await batches.read(plan, ids, options)) {
      readings.set(id, first.kind === 'found' ? await readOn(listing, first, () => route(id), options) : first);
    }
    return readings;
  }

  return { all, each };
}
