/** The four national clouds: where Graph and Entra live in each. Layer: domain. */
import type { GraphCloud } from './settings.ts';

/** Roots without path or trailing slash. */
export interface Cloud {
  readonly graphRoot: string;
  readonly authorityHost: string;
}

/**
 * `global` serves GCC too; `usgov` is GCC High.
 * Source: microsoft-graph-docs-contrib `concepts/deployments.md` (read 2026-11-22).
 */
export const CLOUDS: Readonly<Record<GraphCloud, Cloud>> = {
  global: { graphRoot: 'https://graph.microsoft.com', authorityHost: 'https://login.microsoftonline.com' },
  usgov: { graphRoot: 'https://graph.microsoft.us', authorityHost: 'https://login.microsoftonline.us' },
  usgovdod: { graphRoot: 'https://dod-graph.microsoft.us', authorityHost: 'https://login.microsoftonline.us' },
  china: { graphRoot: 'https://microsoftgraph.chinacloudapi.cn', authorityHost: 'https://login.chinacloudapi.cn' },
};
