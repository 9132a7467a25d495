import type { TokenCredential } from '@azure/core-auth';
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MAX_DEQUEUE_COUNT, START_MS } from '../../support/world.ts';
import { expectHonest } from './expect-honest.ts';
import {
  createFaultWorld,
  errorMessages,
  type FaultWorld,
  FLEET_SIZE,
  logLines,
  runWith,
  settle,
  statesOf,
} from './fault-world.ts';
import { LISTING_DEVICES, LISTING_KEYS, type Place, ROTATION, WHOLE_BATCH } from './places.ts';

/** What identity libraries put into their errors: whatever the endpoint said. */
const LEAKY = 'AADSTS700016: Application not found. Trace: Bearer eyJhbGciOiJub25lIn0.eyJzZWNyZXQiOiJ5ZXMifQ.x';

/** A world whose credential does `trouble` for the first `times` questions. */
function withCredential(times: number, trouble: (world: FaultWorld) => Promise<null>): FaultWorld {
  const world = createFaultWorld();
  const good = world.sim.credential();
  let asked = 0;
  const credential: TokenCredential = {
    getToken: (scopes, options) => {
      asked += 1;
      return asked <= times ? trouble(world) : good.getToken(scopes, options);
    },
  };
  world.sim.credential = () => credential;
  return world;
}

async function settled(world: FaultWorld) {
  const run = await world.clock.run(() => settle(world));
  return { run, rows: await world.rotations(run.runId) };
}

describe('a credential that gives no token', () => {
  const TROUBLES: readonly (readonly [string, (world: FaultWorld) => Promise<null>, string])[] = [
    ['throws', () => Promise.reject(new Error(LEAKY)), 'AADSTS700016'],
    ['answers with nothing', () => Promise.resolve(null), 'NO_TOKEN'],
    ['never answers', (world) => world.clock.sleep(365 * DAY_MS).then(() => null), 'TOKEN_TIMEOUT'],
  ];

  it.each(TROUBLES)(
    'ends the invocation with what to check, and the next delivery goes on: it %s',
    async (_what, trouble, code) => {
      const world = withCredential(1, trouble);
      const { run, rows } = await settled(world);
      expect(errorMessages(world)).toEqual([
        `no token for graph.microsoft.com (${code}): in Azure, check that the app has a managed identity and that AZURE_CLIENT_ID, ` +
          'if set, names one assigned to it; on a laptop, sign in with "az login"',
      ]);
      expect(run.state).toBe('completed');
      expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
      await expectHonest(world);
    },
  );

  it('for a day is carried on by the next tick that finds one', async () => {
    const world = withCredential(MAX_DEQUEUE_COUNT, () => Promise.reject(new Error(LEAKY)));
    const { run, rows } = await settled(world);
    expect(errorMessages(world)).toHaveLength(MAX_DEQUEUE_COUNT);
    expect(logLines(world, 'message quarantined')).toHaveLength(1);
    expect(run.state).toBe('completed');
    expect((run.finishedAtMs ?? 0) - run.createdAtMs).toBeGreaterThan(DAY_MS);
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    await expectHonest(world);
    expect(world.log.join('\n')).not.toContain('eyJzZWNyZXQi');
  });
});

describe('tokens that end', () => {
  it('are renewed before they expire: nobody sees a 401', async () => {
    const { world, run, rows } = await runWith([], { tokenLifetimeMs: 20 * 60_000 });
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(world.sim.issuedTokens.length).toBeGreaterThan(1);
    expect(world.sim.history.filter(({ status }) => status === 401)).toEqual([]);
    await expectHonest(world);
  });

  it('are used to their end while the credential gives no other', async () => {
    // Due for renewal after 28 minutes; the first look comes after 30.
    const world = createFaultWorld({ tokenLifetimeMs: 33 * 60_000 });
    const good = world.sim.credential();
    let refused = 0;
    world.sim.credential = () => ({
      getToken: (scopes, options) => {
        const minutes = (world.clock.nowMs() - START_MS) / 60_000;
        if (minutes < 28 || minutes > 32) return good.getToken(scopes, options);
        refused += 1;
        return Promise.reject(new Error(LEAKY));
      },
    });
    const { run, rows } = await settled(world);
    expect(refused).toBeGreaterThan(0);
    expect(errorMessages(world)).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    await expectHonest(world);
  });

  it.each([
    ['listing devices', LISTING_DEVICES],
    ['listing keys', LISTING_KEYS],
    ['a $batch as a whole', WHOLE_BATCH],
    ['a rotation request', ROTATION],
  ] as const)('early cost one more request: %s', async (_where, place) => {
    const { world, run, rows } = await runWith([{ ...place, fault: { kind: 'expiredToken' } }]);
    expect(errorMessages(world)).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(world.sim.history.filter(({ status }) => status === 401)).toHaveLength(1);
    await expectHonest(world);
  });
});

describe('a storm of 401s', () => {
  /** Every matching request within the first `hours` is refused, whatever its token. */
  async function storm(place: Place, hours: number) {
    const world = createFaultWorld();
    const endAtMs = world.clock.nowMs() + hours * HOUR_MS;
    const { when } = place;
    world.sim.script({
      ...place,
      fault: { kind: 'expiredToken' },
      times: 10_000,
      when: (target) => world.clock.nowMs() < endAtMs && (when === undefined || when(target)),
    });
    return { world, ...(await settled(world)) };
  }

  it.each([
    ['listing devices', LISTING_DEVICES],
    ['rotation requests', ROTATION],
  ] as const)(
    'ends each invocation after one refreshed token, and the next tick carries the run on: %s',
    async (_where, place) => {
      const { world, run, rows } = await storm(place, 1);
      const messages = new Set(errorMessages(world));
      expect(messages.size).toBe(1);
      expect([...messages][0]).toMatch(
        /^Graph did not accept the token to .* \(401\), nor a refreshed one: check that TENANT_ID/,
      );
      expect(run.state).toBe('completed');
      expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
      await expectHonest(world, { openEnded: true });
    },
  );

  it('while looking puts the looks off until it is over', async () => {
    const { world, run, rows } = await storm(WHOLE_BATCH, 2);
    expect(errorMessages(world)).toEqual([]);
    const lines = logLines(world, 'Graph could not be asked about this slice; looking again later');
    expect(lines[0]).toMatchObject({ errorKind: 'unauthorized', status: 401, retryAfterMs: 300_000 });
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    await expectHonest(world, { openEnded: true });
  });
});

describe('a role that is missing', () => {
  const ALL = [
    'DeviceManagementManagedDevices.ReadWrite.All',
    'DeviceManagementConfiguration.Read.All',
    'BitlockerKey.ReadBasic.All',
  ];
  const MISSING: readonly (readonly [string, readonly string[], string])[] = [
    ['to read managed devices', ALL.slice(1), 'DeviceManagementManagedDevices.ReadWrite.All'],
    ['to read recovery-key metadata', ALL.slice(0, 2), 'BitlockerKey.ReadBasic.All'],
    [
      'to request a rotation',
      ['DeviceManagementManagedDevices.Read.All', ...ALL.slice(1)],
      'DeviceManagementManagedDevices.ReadWrite.All',
    ],
  ];

  it.each(MISSING)('is named, and once it is granted the run goes on by itself: %s', async (title, roles, role) => {
    const world = createFaultWorld({ roles });
    const granted = world.clock.sleep(3 * HOUR_MS).then(() => world.sim.setRoles(ALL));
    const { run, rows } = await settled(world);
    await granted;
    expect(errorMessages(world)[0]).toMatch(
      new RegExp(`^Graph refused ${title} \\(403\\): the app's identity needs the Graph application role ${role}\\. `),
    );
    expect(errorMessages(world)[0]).toContain("a managed identity's token is cached for up to 24 h");
    expect(run.state).toBe('completed');
    // Nobody was asked, or called refused, for want of a role.
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    await expectHonest(world);
  });

  it('to read encryption states is named at every look, and the proof goes on without them', async () => {
    const world = createFaultWorld({ roles: [ALL[0] ?? '', ALL[2] ?? ''] });
    const { run, rows } = await settled(world);
    const lines = logLines(world, 'encryption states could not be read: the proof goes on without them');
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines)
      expect(line.errorMessage).toContain('needs the Graph application role DeviceManagementConfiguration.Read.All');
    expect(logLines(world, 'Graph could not be asked about this slice; looking again later')).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(rows.flatMap(({ encryptionStates }) => encryptionStates ?? [])).toEqual([]);
    await expectHonest(world);
  });
});
