/** The rotation phase in real time: the tenant's documented windows, real HTTP, real storage. Layer: bench. */
import { type Bench, figure, mostOf, type Row } from './support/bench.ts';
import { startRealApp } from './support/real-app.ts';

const DEVICES = 1_000;
/** Source: graph-facts, managedDevices writes per app and tenant: 200 in 20 s (read 2026-11-22). */
const LIMIT = 200;
const WINDOW_MS = 20_000;

/** Windows shortened by `speed`; 1 leaves them as they are. */
async function rotateInRealTime(speed: number): Promise<Row> {
  const app = await startRealApp({
    devices: Array.from({ length: DEVICES }, () => ({ checkInDelayMs: 1_000, escrowDelayMs: 1_000 })),
    seed: 9,
    speed,
    settings: { CONFIRM_SCHEDULE: `PT${Math.ceil(100 / speed) + 2}S,PT1M`, ROTATION_CANARY_DEVICES: '0' },
  });
  try {
    await app.prepare();
    const run = await app.runOnce();
    app.tenant.referee.assertClean();
    const asked = app.tenant.history.filter(({ path }) => path.endsWith('/rotateBitLockerKeys'));
    const tookMs = (asked.at(-1)?.atMs ?? Number.NaN) - (asked[0]?.atMs ?? Number.NaN);
    const floorMs = (Math.floor((DEVICES - 1) / LIMIT) * WINDOW_MS) / speed;
    return {
      'window s': WINDOW_MS / speed / 1_000,
      devices: DEVICES,
      proven: run.finalCounts?.proven ?? 0,
      '429s': asked.filter(({ status }) => status === 429).length,
      'most in a window': app.tenant.referee.classes.write.maxInWindow,
      'took s': tookMs / 1_000,
      'floor s': floorMs / 1_000,
      'of the floor': tookMs / floorMs,
    };
  } finally {
    await app.stop();
  }
}

/** The documented windows, and ten times shorter ones, where fixed delays weigh ten times as much. */
export const realTime: Bench = {
  name: 'real-time',
  about: 'the rotation phase against the HTTP server of the simulated tenant, on Azurite',
  cases: [1, 10].map((speed) => ({ name: `speed-${speed}`, measure: () => rotateInRealTime(speed) })),
  goals: (rows) => [
    { what: '429s', measured: mostOf(rows, '429s'), atMost: 0 },
    {
      what: 'time against the physical floor, documented windows',
      measured: figure(rows[0], 'of the floor'),
      atMost: 1.03,
    },
  ],
};
