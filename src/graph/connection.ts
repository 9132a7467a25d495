/** What every port on Microsoft Graph is made of: one client above one pipeline, with its token, its counts and the server's clock. Layer: graph. */
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { Pacer } from '../domain/pacer.ts';
import type { Clock, Logger, Random } from '../domain/ports.ts';
import type { Settings } from '../domain/settings.ts';
import { REQUEST_TIMEOUT_MS } from './attempt.ts';
import { createGraphClient, type GraphClient } from './client.ts';
import { createGraphPipeline } from './pipeline.ts';
import { createServerClock, type ServerClock } from './server-clock.ts';
import { createTokenProvider, type TokenProvider } from './token-provider.ts';
import { createMeter, type Meter } from './usage.ts';

export interface GraphDeps {
  readonly settings: Pick<Settings, 'graphRoot' | 'budgets'> & Partial<Pick<Settings, 'tenantId'>>;
  /** Called when the first token is needed, and again when a credential keeps handing out a token that Graph rejected. */
  readonly createCredential: () => TokenCredential;
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly random: Random;
  /** Is told method, operation, status and ids of each request; never a body. */
  readonly logger: Logger;
  /** Ours, for the user agent: `keyturn/<version>`. */
  readonly version: string;
  /** The transport. */
  readonly httpClient: HttpClient;
  /** A request is given up after this, ms; 30 s by default. What must not be repeated waits this long for its answer, whatever the signal says. */
  readonly requestTimeoutMs?: number;
}

export interface GraphConnection {
  readonly client: GraphClient;
  readonly tokens: TokenProvider;
  readonly meter: Meter;
  readonly serverClock: ServerClock;
}

/** Makes no request. @throws {TypeError} when the Graph root is plain http to another machine. */
export function connectGraph(deps: GraphDeps): GraphConnection {
  const { pacer, clock, random, logger, version, requestTimeoutMs = REQUEST_TIMEOUT_MS } = deps;
  const { graphRoot, tenantId, budgets } = deps.settings;
  const meter = createMeter(budgets.write);
  const serverClock = createServerClock();
  const tokens = createTokenProvider({
    createCredential: deps.createCredential,
    graphRoot,
    clock,
    ...(tenantId === undefined ? {} : { tenantId }),
  });
  const send = createGraphPipeline(graphRoot, deps.httpClient);
  const client = createGraphClient({
    graphRoot,
    send,
    tokens,
    pacer,
    clock,
    random,
    logger,
    meter,
    serverClock,
    version,
    requestTimeoutMs,
  });
  return { client, tokens, meter, serverClock };
}
