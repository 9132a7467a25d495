import { describe, expect, it } from 'vitest';
import type { Fault, ScriptedFault } from '../../../src/simulator/faults.ts';
import { expectHonest } from './expect-honest.ts';
import { errorMessages, FLEET_SIZE, logLines, runWith, statesOf } from './fault-world.ts';
import {
  ACTION_PART,
  KEY_PART,
  LISTING_DEVICES,
  LISTING_KEYS,
  type Place,
  ROTATION,
  STATE_PART,
  WHOLE_BATCH,
} from './places.ts';

/** Asked again by itself, within the same invocation. */
const PASSING: Readonly<Record<string, Fault>> = {
  '500': { kind: 'status', status: 500 },
  '502': { kind: 'status', status: 502 },
  '503': { kind: 'status', status: 503 },
  '503 with Retry-After': { kind: 'status', status: 503, retryAfter: 'seconds', retryAfterMs: 7_000 },
  '504': { kind: 'status', status: 504 },
  '504 after the effect': { kind: 'statusAfterEffect', status: 504 },
  '403 that means nothing': { kind: 'forbiddenFlicker' },
  '401 for a valid token': { kind: 'expiredToken' },
};
/** These never strike a single part of a `$batch`. */
const CONNECTION: Readonly<Record<string, Fault>> = {
  'reset before the effect': { kind: 'resetBefore' },
  'reset after the effect': { kind: 'resetAfter' },
  'slow beyond the timeout': { kind: 'slow', latencyMs: 120_000 },
  'HTML instead of JSON': { kind: 'malformed', variant: 'html' },
  'JSON cut off': { kind: 'malformed', variant: 'truncated' },
};
const WHOLE: Readonly<Record<string, Place>> = {
  'listing devices': LISTING_DEVICES,
  'listing keys': LISTING_KEYS,
  'a $batch as a whole': WHOLE_BATCH,
};
const PARTS: Readonly<Record<string, Place>> = {
  'action results in a $batch': ACTION_PART,
  'keys in a $batch': KEY_PART,
  'an encryption state in a $batch': STATE_PART,
};

const cases = (faults: Readonly<Record<string, Fault>>, places: Readonly<Record<string, Place>>) =>
  Object.entries(faults).flatMap(([what, fault]) =>
    Object.entries(places).map(([where, place]) => [what, where, fault, place] as const),
  );

async function expectUntroubled(faults: readonly ScriptedFault[]): Promise<void> {
  const { world, run, rows } = await runWith(faults);
  expect(run).toMatchObject({ state: 'completed' });
  expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
  expect(errorMessages(world)).toEqual([]);
  expect(logLines(world, 'run completed')).toMatchObject([{ counts: { proven: FLEET_SIZE } }]);
  await expectHonest(world);
}

describe('reads that fail twice', () => {
  it.each([...cases(PASSING, { ...WHOLE, ...PARTS }), ...cases(CONNECTION, WHOLE)])(
    'are asked again: %s, %s',
    async (_what, _where, fault, place) => {
      // A refreshed token that is refused as well is another story: told in the tests of tokens.
      await expectUntroubled([{ ...place, fault, skip: 1, times: fault.kind === 'expiredToken' ? 1 : 2 }]);
    },
  );
});

describe('one part of a $batch that is refused', () => {
  it.each(Object.entries(PARTS))('leaves its device for the next look: %s', async (_where, place) => {
    await expectUntroubled([{ ...place, fault: { kind: 'status', status: 400 }, times: 3 }]);
  });
});

describe('answers that are JSON and make no sense', () => {
  const SHAPES = { 'wrong types': 'wrongTypes', 'no value': 'missingValue' } as const;
  const places = [
    ['listing devices', LISTING_DEVICES, 'read managed devices', 'value'],
    ['listing keys', LISTING_KEYS, 'read recovery-key metadata', 'value'],
    ['a $batch as a whole', WHOLE_BATCH, 'read action results', 'responses'],
  ] as const;
  const table = Object.entries(SHAPES).flatMap(([what, variant]) =>
    places.map(([where, ...rest]) => [what, where, variant, ...rest] as const),
  );

  it.each(table)(
    'end the invocation with the path of what was wrong, and the next delivery goes on: %s, %s',
    async (_what, _where, variant, place, title, path) => {
      const { world, run, rows } = await runWith([{ ...place, fault: { kind: 'malformed', variant } }]);
      expect(errorMessages(world)).toHaveLength(1);
      expect(errorMessages(world)[0]).toMatch(
        new RegExp(`^Graph's answer to the request to ${title} is malformed at ${path}.*: expected `),
      );
      expect(run.state).toBe('completed');
      expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
      await expectHonest(world);
    },
  );

  it('do not matter where no body is expected: a 204 is accepted whatever comes with it', async () => {
    const variants = ['wrongTypes', 'missingValue', 'html', 'truncated'] as const;
    await expectUntroubled(variants.map((variant) => ({ ...ROTATION, fault: { kind: 'malformed', variant } })));
  });
});
