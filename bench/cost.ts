/** What one rotated device costs from plan to proof: requests to Graph and storage transactions, on real tables, queues and blobs. Layer: bench. */
import { type Bench, figure, type Row } from './support/bench.ts';
import { startRealApp } from './support/real-app.ts';

const DEVICES = 2_000;
const SPEED = 10;
/** Unscaled: at this speed a device answers 12 to 20 s after its request. */
const CHECK_IN_MS = 100_000;
const ESCROW_MS = 1_000;
/** In real time, so that the devices have rotated at the first look, or not before the second. */
const LOOKS = { first: 'PT24S,PT60S', second: 'PT4S,PT24S,PT60S' } as const;

/** Rotates a healthy fleet and counts. */
async function cost(settledBy: keyof typeof LOOKS): Promise<Row> {
  const app = await startRealApp({
    devices: Array.from({ length: DEVICES }, () => ({ checkInDelayMs: CHECK_IN_MS, escrowDelayMs: ESCROW_MS })),
    seed: 5,
    speed: SPEED,
    settings: { CONFIRM_SCHEDULE: LOOKS[settledBy], ROTATION_CANARY_DEVICES: '0' },
  });
  try {
    await app.prepare();
    const before = app.http.counts();
    const run = await app.runOnce();
    if (run.finalCounts?.proven !== DEVICES) throw new Error(`of ${DEVICES}: ${JSON.stringify(run.finalCounts)}`);
    const counts = Object.entries(app.http.counts()).map(([kind, n]) => [kind, n - (before[kind] ?? 0)] as const);
    const sum = (match: (kind: string) => boolean): number =>
      counts.reduce((total, [kind, n]) => (match(kind) ? total + n : total), 0);
    const perDevice = (n: number): number => n / DEVICES;
    // Whoever polls an empty queue, or watches for the end as this benchmark does, pays for that on its own.
    const polling = (kind: string): boolean => kind === 'queues: receive' || kind === 'queues: delete';
    const storage = sum((kind) => !polling(kind)) + 2 * app.messages() - app.watches();
    const tables = (match: RegExp) => perDevice(sum((kind) => kind.startsWith('tables: ') && match.test(kind)));
    return {
      'settled at look': settledBy,
      'Graph requests': perDevice(app.tenant.referee.httpRequests),
      'storage transactions': perDevice(storage),
      'device reads': tables(/read a row of Devices/),
      'table transactions': tables(/transaction/),
      'budget rows': tables(/Budgets/),
      'run, slice rows': tables(/(row|query) of Runs/) - perDevice(app.watches()),
      'other tables': tables(/of (Rotations|Tables|Quarantine)|query of Devices/),
      queues: perDevice(sum((kind) => kind === 'queues: send' || kind === 'queues: create') + 2 * app.messages()),
      blobs: perDevice(sum((kind) => kind.startsWith('blobs: '))),
    };
  } finally {
    await app.stop();
  }
}

/** Cost per device, planning and the creation of tables included. */
export const costs: Bench = {
  name: 'cost',
  about: `per rotated device from plan to proof, ${DEVICES.toLocaleString('en')} devices, Azurite`,
  cases: (['first', 'second'] as const).map((settledBy) => ({ name: settledBy, measure: () => cost(settledBy) })),
  goals(rows) {
    const second = rows[1];
    return [
      {
        what: 'settled at the second look, Graph requests per device',
        measured: figure(second, 'Graph requests'),
        atMost: 1.25,
      },
      {
        what: 'settled at the second look, storage transactions per device',
        measured: figure(second, 'storage transactions'),
        atMost: 4,
      },
    ];
  },
};
