/** Decides which nextLinks may be followed, and keeps them as host-free strings. Layer: graph. */
import { type ErrorContext, untrustedLink } from './errors.ts';
import type { GraphVersion } from './routes.ts';

/** Turns links into what a page's `next` holds, and back. Both directions check. */
export interface Links {
  /** Path and query of a nextLink, relative to the version root. @throws {GraphError} kind `untrustedLink`. */
  toNext(nextLink: string, context: ErrorContext): string;
  /** The URL to follow; `next` may have been stored by an earlier process. @throws {GraphError} kind `untrustedLink`. */
  toUrl(next: string, context: ErrorContext): string;
}

/** Links below `graphRoot`/`version`/, and no others: the token goes nowhere else. */
export function createLinks(graphRoot: string, version: GraphVersion): Links {
  const root = new URL(`${graphRoot}/${version}/`);

  /** The URL without its root, as long as it stays below it. */
  function below(link: string, context: ErrorContext): string {
    const url = URL.parse(link);
    if (url === null) throw untrustedLink(context, 'it is not an absolute URL');
    if (url.origin !== root.origin) throw untrustedLink(context, 'it leaves the Graph host');
    if (url.username !== '' || url.password !== '') throw untrustedLink(context, 'it carries a user name');
    // An encoded slash is a separator to some servers: `/v1.0/..%2fbeta` would leave the version there.
    if (!url.pathname.startsWith(root.pathname) || /%2f|%5c/i.test(url.pathname)) {
      throw untrustedLink(context, `it leaves /${version}/`);
    }
    return `${url.pathname.slice(root.pathname.length)}${url.search}`;
  }

  return {
    toNext: below,
    toUrl: (next, context) => `${root.href}${below(`${root.href}${next}`, context)}`,
  };
}
