import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseManagedDeviceId } from '../../src/domain/ids.ts';
import {
  applyEvent,
  isFinallySettled,
  isTerminal,
  ROTATION_STATES,
  type Rotation,
  type RotationEvent,
  type RotationState,
  transition,
} from '../../src/domain/rotation.ts';

const EVENTS = [
  'claimed',
  'unclaimed',
  'accepted',
  'refused',
  'lostSight',
  'neverAccepted',
  'actionDone',
  'actionFailed',
  'keySeen',
  'skipped',
  'looksExhausted',
  'abandoned',
] as const satisfies readonly RotationEvent['kind'][];

/** Every move there is; all other pairs change nothing. */
const MOVES: readonly (readonly [RotationState, RotationEvent['kind'], RotationState])[] = [
  ['planned', 'claimed', 'claimed'],
  ['planned', 'skipped', 'skipped'],
  ['planned', 'lostSight', 'uncertain'],
  ['planned', 'abandoned', 'abandoned'],
  ['claimed', 'unclaimed', 'planned'],
  ['claimed', 'accepted', 'requested'],
  ['claimed', 'refused', 'refused'],
  ['claimed', 'lostSight', 'uncertain'],
  ['claimed', 'skipped', 'skipped'],
  ['claimed', 'abandoned', 'abandoned'],
  ['uncertain', 'accepted', 'requested'],
  ['uncertain', 'refused', 'refused'],
  ['uncertain', 'neverAccepted', 'planned'],
  ['uncertain', 'actionDone', 'confirmed'],
  ['uncertain', 'actionFailed', 'failed'],
  ['uncertain', 'keySeen', 'proven'],
  ['uncertain', 'looksExhausted', 'overdue'],
  ['uncertain', 'abandoned', 'abandoned'],
  ['requested', 'actionDone', 'confirmed'],
  ['requested', 'actionFailed', 'failed'],
  ['requested', 'keySeen', 'proven'],
  ['requested', 'looksExhausted', 'overdue'],
  ['requested', 'abandoned', 'abandoned'],
  ['confirmed', 'keySeen', 'proven'],
  ['confirmed', 'looksExhausted', 'overdue'],
  ['confirmed', 'abandoned', 'abandoned'],
];

const state = fc.constantFrom(...ROTATION_STATES);
const event = fc.constantFrom(...EVENTS).map((kind): RotationEvent => ({ kind }));

const ROTATION: Rotation = {
  order: 7,
  managedDeviceId: parseManagedDeviceId('0f0e0d0c-1111-4222-8333-444455556666'),
  deviceName: 'LT-00001',
  state: 'planned',
  attempt: 0,
};

describe('transition', () => {
  it.each(MOVES)('moves %s by %s to %s', (from, kind, to) => {
    expect(transition(from, { kind })).toBe(to);
  });

  it('knows no other move', () => {
    const known = new Set(MOVES.map(([from, kind]) => `${from} ${kind}`));
    for (const from of ROTATION_STATES) {
      for (const kind of EVENTS) if (!known.has(`${from} ${kind}`)) expect(transition(from, { kind })).toBe(from);
    }
  });

  it('never leaves a terminal state, whatever happens', () => {
    fc.assert(
      fc.property(state.filter(isTerminal), fc.array(event), (start, events) => {
        expect(events.reduce(transition, start)).toBe(start);
      }),
    );
  });

  it('ignores an event from a newer version of the program', () => {
    fc.assert(
      fc.property(state, fc.string(), (from, kind) => {
        fc.pre(!(EVENTS as readonly string[]).includes(kind));
        expect(transition(from, { kind } as unknown as RotationEvent)).toBe(from);
      }),
    );
  });

  it('reaches proven only by a key, and confirmed only by an action that is done', () => {
    fc.assert(
      fc.property(state, event, (from, { kind }) => {
        const to = transition(from, { kind });
        if (to === 'proven' && from !== 'proven') expect(kind).toBe('keySeen');
        if (to === 'confirmed' && from !== 'confirmed') expect(kind).toBe('actionDone');
      }),
    );
  });

  it('makes a device due again only when nothing was sent or the request was never accepted', () => {
    fc.assert(
      fc.property(state, event, (from, { kind }) => {
        if (from !== 'planned' && transition(from, { kind }) === 'planned')
          expect([`${from} ${kind}`]).toContain(kind === 'unclaimed' ? 'claimed unclaimed' : 'uncertain neverAccepted');
      }),
    );
  });
});

describe('isTerminal and isFinallySettled', () => {
  it.each<[RotationState, boolean, boolean]>([
    ['planned', false, false],
    ['claimed', false, false],
    ['requested', false, false],
    ['uncertain', false, false],
    ['confirmed', false, false],
    ['proven', true, true],
    ['notDue', true, true],
    ['skipped', true, true],
    ['refused', true, true],
    ['failed', true, true],
    ['overdue', true, false],
    ['abandoned', true, false],
  ])('%s: terminal %s, claim released %s', (of, terminal, released) => {
    expect(isTerminal(of)).toBe(terminal);
    expect(isFinallySettled(of)).toBe(released);
  });
});

describe('applyEvent', () => {
  it('moves the rotation on, adds what was learnt and keeps the rest', () => {
    const next = applyEvent({ ...ROTATION, state: 'claimed', canary: true }, { kind: 'accepted' }, { httpStatus: 204 });
    expect(next).toEqual({ ...ROTATION, state: 'requested', canary: true, httpStatus: 204 });
  });

  it('changes nothing at all by an event that means nothing in its state', () => {
    fc.assert(
      fc.property(state, event, (from, happened) => {
        fc.pre(transition(from, happened) === from);
        const rotation = { ...ROTATION, state: from };
        expect(applyEvent(rotation, happened, { failure: 'deviceGone', errorCode: 5 })).toBe(rotation);
      }),
    );
  });
});
