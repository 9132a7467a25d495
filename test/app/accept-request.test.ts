import { describe, expect, it } from 'vitest';
import { type AcceptOutcome, acceptRequest } from '../../src/app/accept-request.ts';
import { reportRun } from '../../src/app/report-run.ts';
import type { RunId } from '../../src/domain/ids.ts';
import type { QuarantineEntry } from '../../src/domain/ledger.ts';
import { createLife } from '../support/mortal.ts';
import { createWorld, DAY_MS, HOUR_MS, START_MS, type TestProcess, type World } from '../support/world.ts';

const REQUEST_ID = 'A0000000-0000-4000-8000-00000000000A';
const RUN_ID = REQUEST_ID.toLowerCase() as RunId;

function smallWorld(options: Parameters<typeof createWorld>[0] = {}): World {
  return createWorld({ devices: 6, fleet: 'healthy', seed: 5, ...options });
}

const targetOf = (world: World, index: number) => ({
  managedDeviceId: world.sim.truth.device(index)?.managedDeviceId ?? '',
});

function accept(
  world: World,
  process: TestProcess,
  message: unknown,
  messageId: string | undefined = 'a-message',
): Promise<AcceptOutcome> {
  const bounds = { deadlineAtMs: world.clock.nowMs() + world.settings.timeBudgetMs, signal: process.life.signal };
  return acceptRequest(process.deps, { message, messageId }, bounds);
}

async function quarantined(world: World): Promise<readonly QuarantineEntry[]> {
  const entries: QuarantineEntry[] = [];
  for await (const entry of world.ledger.listQuarantine()) entries.push(entry);
  return entries;
}

describe('a request', () => {
  it('is sent before its message is done, and settles like any other rotation', async () => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const process = world.start();
      const message = { requestId: REQUEST_ID, reason: 'lost', requestedBy: 'INC-1', targets: [targetOf(world, 2)] };
      expect(await accept(world, process, JSON.stringify(message))).toMatchObject({
        kind: 'accepted',
        runId: RUN_ID,
        isNew: true,
      });
      expect(world.sim.truth.asked()).toMatchObject([{ index: 2 }]);
      expect(world.clock.nowMs() - START_MS).toBeLessThan(5_000);
      await world.deliver(process, START_MS + 10 * DAY_MS);
    });
    const [run] = await world.runs();
    expect(run).toMatchObject({ runId: RUN_ID, trigger: 'onDemand', mode: 'live', finalCounts: { proven: 1 } });
    if (run === undefined) throw new Error('there is no run');
    expect(await reportRun(world.ledger, run)).toMatchObject({ reason: 'lost', requestedBy: 'INC-1' });
    world.sim.referee.assertClean();
  });

  it.each([
    ['plain JSON', (text: string) => text],
    ['base64 of it', (text: string) => Buffer.from(text).toString('base64')],
    ['base64 with a byte order mark', (text: string) => Buffer.from(`\uFEFF${text}`).toString('base64')],
    ['the value the host made of it', (text: string): unknown => JSON.parse(text)],
  ])('may come as %s', async (_, encode) => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const message = encode(JSON.stringify({ targets: [targetOf(world, 0)] }));
      expect(await accept(world, world.start(), message)).toMatchObject({ kind: 'accepted', runId: 'a-message' });
    });
    expect(world.sim.truth.asked()).toHaveLength(1);
  });

  it.each([
    ['its requestId', { requestId: REQUEST_ID }, 'a-message', RUN_ID],
    ['its message when it has none', {}, 'A-Message', 'A-Message'],
    ['its text when the queue gives no usable id', {}, 'no id/at all', expect.stringMatching(/^request-[0-9a-f]{32}$/)],
    ['its text when the queue gives none', {}, undefined, expect.stringMatching(/^request-[0-9a-f]{32}$/)],
  ])('makes a run that is named after %s', async (_, named, messageId, runId) => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const message = { ...named, targets: [targetOf(world, 0)] };
      const outcome = await acceptRequest(
        world.start().deps,
        { message, messageId },
        { deadlineAtMs: world.clock.nowMs() + 60_000, signal: new AbortController().signal },
      );
      expect(outcome).toMatchObject({ kind: 'accepted', runId });
    });
  });

  it('that comes again, by message or by id, is the same run and asks nobody twice', async () => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const process = world.start();
      const targets = [targetOf(world, 0), targetOf(world, 1)];
      const text = JSON.stringify({ requestId: REQUEST_ID, targets });
      await Promise.all([accept(world, process, text), accept(world, world.start(), text)]);
      expect(await accept(world, process, text)).toMatchObject({ kind: 'accepted', isNew: false });
      const turned = { requestId: RUN_ID, reason: 'again', targets: [...targets].reverse() };
      expect(await accept(world, process, turned, 'another-message')).toMatchObject({ isNew: false });
      await world.deliver(process, START_MS + 10 * DAY_MS);
    });
    expect(await world.runs()).toMatchObject([{ runId: RUN_ID, finalCounts: { proven: 2 } }]);
    expect(await quarantined(world)).toEqual([]);
    expect(world.sim.referee.rotationsAccepted).toBe(2);
    world.sim.referee.assertClean();
  });

  it('is carried on by its second delivery when the first died, wherever it died', async () => {
    for (let dieAt = 1; dieAt <= 400; dieAt++) {
      const world = smallWorld();
      const life = createLife(dieAt);
      await world.clock.run(async () => {
        const message = JSON.stringify({ requestId: REQUEST_ID, targets: [targetOf(world, 1), targetOf(world, 3)] });
        const dying = world.start(life);
        await Promise.race([accept(world, dying, message).catch(() => undefined), life.death]);
        const next = world.start();
        await accept(world, next, message);
        await world.deliver(next, START_MS + 30 * DAY_MS);
      });
      const [run] = await world.runs();
      expect([dieAt, run?.state, run?.devices]).toEqual([dieAt, 'completed', 2]);
      world.sim.referee.assertClean();
      if (!life.isDead()) return;
    }
    throw new Error('the request takes more steps than were tried');
  });

  it('within an hour of the last one is not sent: no loop can eat the keys', async () => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const process = world.start();
      const message = { targets: [targetOf(world, 0)] };
      await accept(world, process, message, 'first');
      // The device has obeyed, so no earlier request is pending.
      await world.deliver(process, START_MS + 50 * 60_000);
      await accept(world, process, message, 'second');
      await world.clock.sleep(2 * HOUR_MS);
      await accept(world, process, message, 'third');
      await world.deliver(process, START_MS + 12 * DAY_MS);
    });
    const rows = await Promise.all(['first', 'second', 'third'].map((id) => world.rotations(id as RunId)));
    expect(rows.map(([row]) => [row?.state, row?.skipReason])).toEqual([
      ['proven', undefined],
      ['skipped', 'keyTooYoung'],
      ['proven', undefined],
    ]);
  });
});

describe('a request for later', () => {
  const notBefore = (afterMs: number) => new Date(START_MS + afterMs).toISOString();

  it.each([
    ['minutes', 10 * 60_000],
    ['weeks, longer than a message can wait', 31 * DAY_MS],
  ])('waits for %s with one message on its way, and is sent when its time has come', async (_, afterMs) => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const process = world.start();
      const message = { requestId: REQUEST_ID, notBefore: notBefore(afterMs), targets: [targetOf(world, 0)] };
      expect(await accept(world, process, message)).toMatchObject({
        kind: 'accepted',
        advance: { kind: 'handedBack' },
      });
      expect(world.queues.waiting()).toHaveLength(1);
      await world.deliver(process, START_MS + afterMs - 1_000);
      expect(world.queues.waiting()).toHaveLength(1);
      expect(world.sim.truth.asked()).toEqual([]);
      expect(await world.runs()).toMatchObject([{ state: 'planning' }]);
      await world.deliver(process, START_MS + afterMs + 5_000);
      expect(world.sim.truth.asked()).toHaveLength(1);
    });
    expect(world.errors).toEqual([]);
    const [run] = await world.runs();
    expect(run === undefined ? undefined : await reportRun(world.ledger, run)).toMatchObject({
      notBefore: notBefore(afterMs),
    });
  });

  it('is neither planned early nor queued again by the daily sweep', async () => {
    const world = smallWorld({ settings: { ROTATION_MODE: 'live', ROTATION_MAX_DEVICES: '1' } });
    await world.clock.run(async () => {
      const process = world.start();
      const message = { requestId: REQUEST_ID, notBefore: notBefore(3 * DAY_MS), targets: [targetOf(world, 0)] };
      await accept(world, process, message);
      await world.deliver(process, START_MS + HOUR_MS);
      for (let day = 1; day <= 2; day++) {
        world.mode = 'off';
        await process.tick();
        world.mode = 'live';
        await world.deliver(process, START_MS + day * DAY_MS);
        expect(world.queues.waiting()).toHaveLength(1);
      }
      expect(world.sim.truth.asked()).toEqual([]);
    });
  });

  it('whose message was lost is found by the first sweep after its time', async () => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const process = world.start();
      const message = { requestId: REQUEST_ID, notBefore: notBefore(HOUR_MS), targets: [targetOf(world, 0)] };
      await accept(world, process, message);
      await world.deliver(process, START_MS + 2 * HOUR_MS, { lose: () => true });
      expect(world.queues.waiting()).toEqual([]);
      world.mode = 'off';
      await process.tick();
      world.mode = 'live';
      await world.deliver(process, START_MS + 3 * HOUR_MS);
    });
    expect(world.sim.truth.asked()).toHaveLength(1);
  });

  it('whose time has passed is sent at once', async () => {
    const world = smallWorld();
    await world.clock.run(async () => {
      await accept(world, world.start(), { notBefore: notBefore(-HOUR_MS), targets: [targetOf(world, 0)] });
    });
    expect(world.sim.truth.asked()).toHaveLength(1);
  });
});

describe('the mode of the app', () => {
  it('dryRun plans the request and sends nothing', async () => {
    const world = smallWorld({ settings: { ROTATION_MODE: 'dryRun' } });
    await world.clock.run(async () => {
      await accept(world, world.start(), { requestId: REQUEST_ID, targets: [targetOf(world, 0)] });
    });
    expect(await world.runs()).toMatchObject([{ mode: 'dryRun', state: 'completed', due: 1 }]);
    expect(world.sim.truth.asked()).toEqual([]);
  });

  it('off refuses the request and keeps it, with the devices it names; put back later, it is done', async () => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const process = world.start();
      world.mode = 'off';
      const target = targetOf(world, 0);
      const text = JSON.stringify({ requestId: REQUEST_ID, targets: [target] });
      expect(await accept(world, process, text)).toMatchObject({ kind: 'refused' });
      expect(await world.runs()).toEqual([]);
      const [entry] = await quarantined(world);
      expect(entry).toMatchObject({
        queue: 'rotation-requests',
        reasons: [expect.stringMatching(/^ROTATION_MODE is off/)],
        message: text,
        devices: [`managedDeviceId ${target.managedDeviceId}`],
      });
      world.mode = 'live';
      await world.queues.sendRequest(entry?.message ?? '', 0);
      await world.deliver(process, START_MS + HOUR_MS / 4);
    });
    expect(world.sim.truth.asked()).toHaveLength(1);
  });

  it('off leaves a request that was taken before what it is: a run that waits', async () => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const process = world.start();
      const later = new Date(START_MS + HOUR_MS).toISOString();
      const message = { requestId: REQUEST_ID, notBefore: later, targets: [targetOf(world, 0)] };
      await accept(world, process, message);
      world.mode = 'off';
      expect(await accept(world, process, message)).toMatchObject({ kind: 'accepted', advance: { kind: 'paused' } });
    });
    expect(await quarantined(world)).toEqual([]);
    expect(await world.runs()).toMatchObject([{ mode: 'live', state: 'planning' }]);
  });
});

describe('a message that is refused', () => {
  it('is kept whole with every problem, logged, and done with', async () => {
    const world = smallWorld();
    const message = {
      requestId: 'x',
      targets: [
        { deviceName: 'A', serialNumber: 'B' },
        { ...targetOf(world, 0), when: 'now' },
      ],
    };
    await world.clock.run(async () => {
      const outcome = await accept(world, world.start(), message);
      expect(outcome).toMatchObject({ kind: 'refused', reasons: { length: 3 } });
      const [entry, ...others] = await quarantined(world);
      expect(others).toEqual([]);
      expect(entry).toMatchObject({ queue: 'rotation-requests', message: JSON.stringify(message), devices: [] });
      expect(outcome).toMatchObject({ reasons: entry?.reasons, quarantineId: entry?.id });
    });
    expect(await world.runs()).toEqual([]);
    expect(world.sim.referee.httpRequests).toBe(0);
    const logged = world.log.filter((line) => line.includes('"level":"warn"')).join('\n');
    for (const words of ['requestId must be', 'targets[0] must be', 'targets[1]: \\"when\\" is no property']) {
      expect(logged).toContain(words);
    }
  });

  it.each(['', 'rotate LAPTOP-1 please', '{"targets":', 'bm90IEpTT04=', '7', 'null', '"text"'])(
    'because it is %j is kept as it came',
    async (text) => {
      const world = smallWorld();
      await world.clock.run(async () => {
        expect(await accept(world, world.start(), text)).toMatchObject({ kind: 'refused' });
      });
      expect(await quarantined(world)).toHaveLength(1);
    },
  );

  it('is one entry, whichever encoding it came in and however often', async () => {
    const world = smallWorld();
    const text = JSON.stringify({ targets: [] });
    await world.clock.run(async () => {
      const process = world.start();
      for (const message of [text, text, Buffer.from(text).toString('base64'), JSON.parse(text)]) {
        await accept(world, process, message);
      }
    });
    expect(await quarantined(world)).toHaveLength(1);
  });

  it('has all of its many problems in the log, in lines that are not cut', async () => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const targets = Array.from({ length: 90 }, (_, i) => ({ deviceHealthScriptId: `${i}/`, failing: true }));
      await accept(world, world.start(), { targets });
    });
    const logged = world.log.filter((line) => line.includes('"level":"warn"'));
    expect(logged.length).toBeGreaterThan(1);
    for (let i = 0; i < 90; i++) expect(logged.join('\n')).toContain(`targets[${i}].deviceHealthScriptId must be`);
    expect(logged.join('\n')).not.toContain('…');
  });
});

describe('a message that is refused for what it holds', () => {
  const password = '111111-222222-333333-444444-555555-666666-077777-088888';

  it.each([
    ['reason', { reason: `told ${password}` }],
    ['requestedBy', { requestedBy: password }],
  ])('a recovery password as its %s, is kept without it: no table and no log has it', async (name, part) => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const message = { requestId: REQUEST_ID, targets: [targetOf(world, 0)], ...part };
      for (const form of [message, JSON.stringify(message), Buffer.from(JSON.stringify(message)).toString('base64')]) {
        expect(await accept(world, world.start(), form)).toMatchObject({
          kind: 'refused',
          reasons: [expect.stringContaining(`${name} must be`)],
        });
      }
    });
    const [entry, ...others] = await quarantined(world);
    expect(others).toEqual([]);
    expect(JSON.parse(entry?.message ?? '')).toMatchObject({ [name]: expect.stringMatching(/^(told )?\[redacted\]$/) });
    expect(JSON.stringify([entry, world.log, await world.runs()])).not.toContain('222222');
    expect(await world.runs()).toEqual([]);
  });

  it.each([
    ['plain', (text: string) => text],
    ['in base64', (text: string) => Buffer.from(text).toString('base64')],
  ])('a property twice, %s, is kept with both: only one of them would be rotated', async (_, encode) => {
    const world = smallWorld();
    const [one, two] = [targetOf(world, 0), targetOf(world, 1)].map((target) => JSON.stringify(target));
    const text = `{"targets":[${one}],"targets":[${two}], "reason":7}`;
    await world.clock.run(async () => {
      expect(await accept(world, world.start(), encode(text))).toMatchObject({
        kind: 'refused',
        reasons: ['"targets" is there twice', expect.stringMatching(/^reason must be/)],
      });
      const twice = `{"targets":[{"deviceName":"A","deviceName":"B"}]}`;
      expect(await accept(world, world.start(), encode(twice))).toMatchObject({
        reasons: ['targets[0]: "deviceName" is there twice'],
      });
    });
    expect((await quarantined(world)).map(({ message }) => message)).toContain(text);
    expect(world.sim.truth.asked()).toEqual([]);
  });

  it('a list that nests deeper than JSON.stringify can go is kept whole', async () => {
    const world = smallWorld();
    const text = `{"targets":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    await world.clock.run(async () => {
      for (const message of [text, JSON.parse(text), Buffer.from(text).toString('base64')]) {
        expect(await accept(world, world.start(), message)).toMatchObject({
          kind: 'refused',
          reasons: ['targets[0] must be an object, got a list of 1'],
        });
      }
    });
    expect(await quarantined(world)).toMatchObject([{ message: text }]);
  });

  it('thousands of problems, has all of them in quarantine, and a hundred in the log', async () => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const targets = Array.from({ length: 4_000 }, () => 7);
      const outcome = await accept(world, world.start(), { targets });
      expect(outcome).toMatchObject({ kind: 'refused', reasons: { length: 4_000 } });
    });
    expect((await quarantined(world))[0]?.reasons.at(-1)).toMatch(/^targets\[3999\] must be an object/);
    const logged = world.log.filter((line) => line.includes('"level":"warn"')).join('\n');
    expect(logged).toContain('targets[99] must be');
    expect(logged).not.toContain('targets[100] must be');
    expect(logged).toContain('and 3900 more, in quarantine');
  });
});

describe('a requestId that was used before', () => {
  it('for a dry run is refused by an app that is live: nothing of it was ever sent', async () => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const process = world.start();
      const message = { requestId: REQUEST_ID, targets: [targetOf(world, 0)] };
      world.mode = 'dryRun';
      expect(await accept(world, process, message)).toMatchObject({ kind: 'accepted' });
      expect(await accept(world, process, message)).toMatchObject({ kind: 'accepted', isNew: false });
      world.mode = 'live';
      expect(await accept(world, process, message)).toMatchObject({
        kind: 'refused',
        reasons: [`request ${RUN_ID} was planned as a dry run; send it with a new requestId`],
      });
    });
    expect(world.sim.truth.asked()).toEqual([]);
    expect(await quarantined(world)).toMatchObject([{ devices: { length: 1 } }]);
  });

  it('for other targets is refused, naming both', async () => {
    const world = smallWorld();
    await world.clock.run(async () => {
      const process = world.start();
      await accept(world, process, { requestId: REQUEST_ID, targets: [targetOf(world, 0)] });
      const other = { requestId: RUN_ID, targets: [targetOf(world, 0), targetOf(world, 1)] };
      expect(await accept(world, process, other, 'another-message')).toMatchObject({
        kind: 'refused',
        reasons: [
          `requestId ${RUN_ID} was used at 2026-11-22T02:00:00.000Z for a request for 1 target, and here for 2 other targets: give each request an id of its own`,
        ],
      });
    });
    expect(world.sim.truth.asked()).toHaveLength(1);
    expect(await quarantined(world)).toMatchObject([{ devices: { length: 2 } }]);
  });
});
