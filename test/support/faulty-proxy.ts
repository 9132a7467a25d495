/** An HTTP proxy in front of a storage emulator that loses answers or requests when told to: what a bad line does. */
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What becomes of a request. `loseAnswer`: it takes effect, and the connection breaks. `loseRequest`: it never arrives. `hold`: nor does an
 * answer, and the connection stays.
 */
export type Fate = 'pass' | 'loseAnswer' | 'loseRequest' | 'answer500AfterEffect' | 'hold';

export interface FaultyProxy {
  readonly origin: string;
  /** Decides each request's fate; replaces the one before. */
  decide(fateOf: (method: string, path: string) => Fate): void;
  /** Bytes of content that were answered so far. */
  answeredBytes(): number;
  stop(): Promise<void>;
}

/** Passes everything on to `target`, an origin such as `http://127.0.0.1:10002`, until told otherwise. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  let fateOf: (method: string, path: string) => Fate = () => 'pass';
  let answeredBytes = 0;

  const server: Server = createServer((incoming, outgoing) => {
    const fate = fateOf(incoming.method ?? '', incoming.url ?? '');
    if (fate === 'loseRequest') {
      incoming.socket.destroy();
      return;
    }
    if (fate === 'hold') return;
    const { host: _, ...headers } = incoming.headers;
    const forwarded = request(new URL(incoming.url ?? '/', target), { method: incoming.method, headers }, (answer) => {
      if (fate === 'pass') {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('data', (piece: Buffer) => {
          answeredBytes += piece.byteLength;
        });
        answer.pipe(outgoing);
        return;
      }
      answer.resume().once('end', () => {
        if (fate === 'loseAnswer') incoming.socket.destroy();
        else outgoing.writeHead(500).end();
      });
    });
    forwarded.once('error', () => incoming.socket.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    decide(next) {
      fateOf = next;
    },
    answeredBytes: () => answeredBytes,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
