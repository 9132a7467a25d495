/** Whatever people and programs put on `rotation-requests`. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { acceptRequest } from '../../src/app/accept-request.ts';
import { parseTenantId } from '../../src/domain/ids.ts';
import { jsonText } from '../../src/domain/json-text.ts';
import { parseRotationRequest } from '../../src/domain/rotation-request.ts';
import { hasEightGroups, REDACTED } from '../../src/domain/scrub.ts';
import type { RotationMode } from '../../src/domain/settings.ts';
import type { RotationRoute } from '../../src/domain/targets.ts';
import { routePath } from '../../src/graph/routes.ts';
import { anyMessageOfAnyDepth, goodMessage } from '../support/request-messages.ts';
import { createWorld, START_MS } from '../support/world.ts';
import { createOpenHandedTenant } from './open-handed-tenant.ts';

const TENANT_ID = '99999999-1111-4222-8333-444455556666';
const CASES = 20_000;

const ID = '[^/?#]+';
/** The seven URL forms. Source: `reference/rotatebitlockerkeys.md`, "HTTP Request" (read 2026-11-22). */
const DOCUMENTED = [
  `/deviceManagement/managedDevices/${ID}/rotateBitLockerKeys`,
  `/deviceManagement/comanagedDevices/${ID}/rotateBitLockerKeys`,
  `/deviceManagement/deviceHealthScripts/${ID}/deviceRunStates/${ID}/managedDevice/rotateBitLockerKeys`,
  `/deviceManagement/deviceManagementScripts/${ID}/deviceRunStates/${ID}/managedDevice/rotateBitLockerKeys`,
  `/deviceManagement/deviceComplianceScripts/${ID}/deviceRunStates/${ID}/managedDevice/rotateBitLockerKeys`,
  `/deviceManagement/deviceManagementScripts/${ID}/deviceRunStates/${ID}/managedDevice/users/${ID}/managedDevices/${ID}/rotateBitLockerKeys`,
  `/deviceManagement/deviceManagementScripts/${ID}/deviceRunStates/${ID}/managedDevice/detectedApps/${ID}/managedDevices/${ID}/rotateBitLockerKeys`,
].map((form) => new RegExp(`^${form}$`));

/** The URL form, by its place in the list, of the request as it would leave. */
function formOf(route: RotationRoute): number {
  const { version, path } = routePath({ to: 'rotation', target: route });
  // What a server makes of the path: dots and escapes resolved.
  const { pathname, search, hash } = new URL(`https://graph.example/${version}${path}`);
  expect([pathname, search, hash]).toEqual([`/beta${path}`, '', '']);
  return DOCUMENTED.findIndex((form) => form.test(path));
}

type Encoding = 'json' | 'base64' | 'parsed';

function encoded(message: unknown, encoding: Encoding): unknown {
  const text = jsonText(message);
  if (encoding === 'parsed') return JSON.parse(text);
  return encoding === 'json' ? text : Buffer.from(text).toString('base64');
}

const anyDelivery = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(anyMessageOfAnyDepth(TENANT_ID), fc.constantFrom<Encoding[]>('json', 'base64', 'parsed'))
      .map(([message, encoding]) => encoded(message, encoding)),
  },
  { weight: 1, arbitrary: fc.oneof(fc.string({ unit: 'binary' }), fc.base64String(), fc.json(), fc.jsonValue()) },
);

it('any message is a run or a quarantine entry with all its problems; what is sent takes a documented route', async () => {
  const formsSeen = new Set<number>();
  const kindsSeen = { accepted: 0, refused: 0 };

  async function check(message: unknown, mode: RotationMode, messageId: string | undefined): Promise<void> {
    const world = createWorld({ devices: 0, tenantId: TENANT_ID });
    world.mode = mode;
    const tenant = createOpenHandedTenant(START_MS);
    await world.clock.run(async () => {
      const process = world.start();
      const deps = { ...process.deps, tenant };
      const bounds = { deadlineAtMs: START_MS + 60_000, signal: process.life.signal };
      const outcome = await acceptRequest(deps, { message, messageId }, bounds);
      const runs = await world.runs();
      kindsSeen[outcome.kind] += 1;

      if (outcome.kind === 'refused') {
        const entry = await world.ledger.readQuarantine(outcome.quarantineId);
        expect(entry).toMatchObject({ queue: 'rotation-requests', reasons: outcome.reasons });
        expect(outcome.reasons.length).toBeGreaterThan(0);
        expect(runs).toEqual([]);
        expect(tenant.requested).toEqual([]);
        const message = entry?.message ?? '';
        expect([message, ...outcome.reasons].some(hasEightGroups)).toBe(false);
        // What was redacted is not what was refused.
        const kept = message.includes(REDACTED) ? undefined : jsonIn(message);
        if (kept === undefined) return;
        const parsed = parseRotationRequest(kept.value, { tenantId: world.settings.tenantId });
        if ('problems' in parsed) expect(outcome.reasons).toEqual(parsed.problems);
        else expect([mode, outcome.reasons]).toEqual(['off', [expect.stringMatching(/^ROTATION_MODE is off/)]]);
        return;
      }

      expect(runs).toHaveLength(1);
      const [run] = runs;
      const said = [run?.reason ?? '', run?.requestedBy ?? '', JSON.stringify(run?.targets)];
      expect(said.some(hasEightGroups)).toBe(false);
      expect(run).toMatchObject({ runId: outcome.runId, trigger: 'onDemand', mode });
      const asked = tenant.requested.map(formOf);
      for (const form of asked) formsSeen.add(form);
      expect(asked).not.toContain(-1);
      const isDue = (run?.notBeforeMs ?? 0) <= START_MS;
      if (mode !== 'live' || !isDue) expect(asked).toEqual([]);
      else expect(asked.length).toBeGreaterThan(0);
      if (!isDue) expect(world.queues.waiting()).toHaveLength(1);

      // Delivered once more, it changes nothing but what was left.
      const before = tenant.requested.length;
      expect(await acceptRequest(deps, { message, messageId }, bounds)).toMatchObject({
        kind: 'accepted',
        isNew: false,
      });
      expect(await world.runs()).toHaveLength(1);
      if (isDue) expect(tenant.requested).toHaveLength(before);
    });
  }

  await fc.assert(
    fc.asyncProperty(
      anyDelivery,
      fc.constantFrom<RotationMode[]>('live', 'live', 'live', 'dryRun', 'off'),
      fc.oneof(fc.uuid(), fc.constantFrom(undefined, '', 'a message', 'x'.repeat(100))),
      check,
    ),
    { numRuns: CASES },
  );
  // The law was put to the test on every side.
  expect([...formsSeen].sort()).toEqual(DOCUMENTED.map((_, form) => form));
  expect(kindsSeen.accepted).toBeGreaterThan(CASES / 10);
  expect(kindsSeen.refused).toBeGreaterThan(CASES / 10);
}, 600_000);

function jsonIn(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** One thing wrong, and the place where a refusal must say so. */
interface Slip {
  readonly place: string;
  readonly make: (message: Record<string, unknown>, targets: Record<string, unknown>[]) => void;
}

const slips = (count: number): fc.Arbitrary<Slip> =>
  fc.oneof(
    fc.constant<Slip>({ place: 'requestId ', make: (message) => Object.assign(message, { requestId: 'INC-1' }) }),
    fc.constant<Slip>({ place: 'notBefore ', make: (message) => Object.assign(message, { notBefore: 'tomorrow' }) }),
    fc.constant<Slip>({ place: 'tenantId ', make: (message) => Object.assign(message, { tenantId: 7 }) }),
    fc.constant<Slip>({ place: 'reason ', make: (message) => Object.assign(message, { reason: '\u0000' }) }),
    fc.constant<Slip>({ place: 'requestedBy ', make: (message) => Object.assign(message, { requestedBy: null }) }),
    fc.constant<Slip>({ place: '"when" ', make: (message) => Object.assign(message, { when: 'now' }) }),
    fc.nat(count - 1).map<Slip>((at) => ({
      place: `targets[${at}]: "colour" `,
      make: (_, targets) => Object.assign(targets[at] ?? {}, { colour: 'red' }),
    })),
    fc.nat(count - 1).map<Slip>((at) => ({
      place: `targets[${at}].`,
      make: (_, targets) => {
        const [name] = Object.keys(targets[at] ?? {});
        Object.assign(targets[at] ?? {}, { [name ?? '']: 12 });
      },
    })),
  );

it('every refusal tells of each thing that is wrong, at its place', () => {
  const cases = goodMessage(TENANT_ID).chain((message) => {
    const targets = message.targets as readonly Record<string, unknown>[];
    return fc.tuple(fc.constant(message), fc.array(slips(targets.length), { minLength: 1, maxLength: 6 }));
  });
  fc.assert(
    fc.property(cases, ([good, made]) => {
      const message = structuredClone(good) as Record<string, unknown>;
      const targets = message.targets as Record<string, unknown>[];
      for (const slip of made) slip.make(message, targets);
      const parsed = parseRotationRequest(message, { tenantId: parseTenantId(TENANT_ID) });
      const problems = 'problems' in parsed ? parsed.problems : [];
      for (const { place } of made) expect(problems.filter((problem) => problem.startsWith(place))).not.toEqual([]);
      expect(problems.length).toBeLessThanOrEqual(2 * made.length);
    }),
    { numRuns: CASES },
  );
});
