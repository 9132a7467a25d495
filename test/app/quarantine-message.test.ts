/** Nothing disappears: whatever a poison queue brings is kept, whole, with why it failed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forgetFault, noteFault } from '../../src/app/note-fault.ts';
import { quarantineMessage } from '../../src/app/quarantine-message.ts';
import { readMessage } from '../../src/app/read-message.ts';
import { GraphError } from '../../src/domain/graph-error.ts';
import type { QuarantineEntry } from '../../src/domain/ledger.ts';
import { MessageError } from '../../src/domain/messages.ts';
import { collect } from '../contracts/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const QUEUES = ['rotation-requests', 'rotation-runs', 'encryption-states'] as const;
const entries = (world: World): Promise<readonly QuarantineEntry[]> => collect(world.ledger.listQuarantine());

/** What the host hands to a function: the value when the text is JSON, else the text. */
function asHostGives(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Deeper than `JSON.stringify` can go. */
const nested = fc
  .tuple(fc.integer({ min: 5_000, max: 30_000 }), fc.constantFrom('[', '{"targets":', '{"runId":', '[{"a":'))
  .map(([depth, open]) => {
    const close = [...open].reverse().map((one) => ({ '[': ']', '{': '}' })[one] ?? '');
    return `${open.repeat(depth)}1${close.join('').repeat(depth)}`;
  });
/** In a place where something else is expected. */
const nestedIn = fc
  .tuple(fc.constantFrom('targets', 'requestId', 'runId', 'tenantId', 'checkpoint', 'sliceId', 'look'), nested)
  .map(([name, text]) => `{"${name}":${text}}`);

/** A JSON value or no JSON at all; the text of a text loses its quotes at the host already. */
const anyMessage = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.json().map((text) => Buffer.from(text).toString('base64')),
    fc.record({ targets: fc.anything(), requestId: fc.anything() }).map((body) => JSON.stringify(body)),
    nested,
    nestedIn,
    nestedIn.map((text) => Buffer.from(text).toString('base64')),
  )
  .filter((text) => typeof readMessage(text).body !== 'string');

describe('a poisoned message', () => {
  it('is in quarantine afterwards, whole, with the fault that was noted for it, in whichever form it came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...QUEUES), anyMessage, fc.boolean(), async (queue, text, isParsed) => {
        const world = createWorld({ devices: 1 });
        const { deps } = world.start();
        const message = isParsed ? asHostGives(text) : text;
        await noteFault(deps, { queue, message }, new MessageError('it was no good'));
        // The other form of the same message.
        await quarantineMessage(deps, queue, isParsed ? text : asHostGives(text));
        const [entry, ...others] = await entries(world);
        expect(others).toEqual([]);
        expect(entry?.reasons.at(-1)).toBe('MessageError: it was no good');
        expect(entry?.queue).toBe(queue);
        // As its text came, base64 undone; of a value, as JSON.
        const { body, key } = readMessage(text);
        const decoded = Buffer.from(text, 'base64').toString('utf8');
        const asText = body === undefined || asHostGives(text) !== text ? text : decoded;
        const isText = isParsed || asHostGives(text) === text;
        expect(entry?.message).toBe(isText ? asText : key);
      }),
      { numRuns: 300 },
    );
  });

  it.each(QUEUES)('of %s that nests its ids deeper than JSON.stringify can go is kept whole', async (queue) => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const { tenantId } = createWorld({ devices: 1 }).settings;
    const texts = [
      `{"targets":[${deep},{"deviceName":${deep}}],"requestId":${deep}}`,
      `{"tenantId":"${tenantId}","runId":${deep},"checkpoint":0}`,
      `{"tenantId":"${tenantId}","runId":"a","sliceId":${deep},"look":0}`,
      `{"tenantId":"${tenantId}","runId":"a","sliceId":"0000000-0","look":${deep},"checkpoint":${deep}}`,
    ];
    for (const text of texts) {
      for (const message of [text, JSON.parse(text), Buffer.from(text).toString('base64')]) {
        const world = createWorld({ devices: 1 });
        const { deps } = world.start();
        await noteFault(deps, { queue, message, messageId: 'm-1' }, new MessageError('it was no good'));
        await quarantineMessage(deps, queue, message);
        expect(await entries(world)).toMatchObject([
          { message: text, reasons: [expect.any(String), 'MessageError: it was no good'] },
        ]);
      }
    }
  });

  it('keeps no recovery password, in whatever form it came, and the rest of it', async () => {
    const password = '111111-222222-333333-444444-555555-666666-077777-088888';
    const escaped = password.replaceAll('-', '\\u002d').replaceAll('1', '\\u0031');
    const texts = [
      `{"reason":"told ${password}","targets":[{"deviceName":"${password}"}]}`,
      `{"reason":"told ${escaped}","reason":"","targets":[]}`,
      `{"reason":"told ${password.replaceAll('-', '\\n\\n\\n\\n')}"}`,
      `{"${password}":[${password.replaceAll('-', ',')}]}`,
      `told ${password}`,
      `{"reason":"${password}"`,
    ];
    const world = createWorld({ devices: 1 });
    await quarantineMessage(world.start().deps, 'rotation-requests', texts[0]);
    expect(await entries(world)).toMatchObject([
      {
        message: '{"reason":"told [redacted]","targets":[{"deviceName":"[redacted]"}]}',
        devices: ['deviceName [redacted]'],
      },
    ]);
    for (const queue of QUEUES) {
      for (const text of texts) {
        for (const message of [text, asHostGives(text), Buffer.from(text).toString('base64')]) {
          const world = createWorld({ devices: 1 });
          const { deps } = world.start();
          await noteFault(deps, { queue, message }, new MessageError(`it was ${password}`));
          await quarantineMessage(deps, queue, message);
          const kept = JSON.stringify([await entries(world), world.log]);
          for (const group of ['222222', '555555', '088888']) expect(kept).not.toContain(group);
        }
      }
    }
  });

  it('in base64 of something that is no JSON is kept as it came, although it looks like a token', async () => {
    const world = createWorld({ devices: 1 });
    const text = Buffer.from('{"targets":[{"serialNumber":').toString('base64');
    expect(text).toMatch(/^eyJ/);
    await quarantineMessage(world.start().deps, 'rotation-requests', text);
    expect((await entries(world)).map(({ message }) => message)).toEqual([text]);
  });

  it('of 64 KiB is kept to the last character', async () => {
    const world = createWorld({ devices: 1 });
    const text = `no JSON ${'é🎉'.repeat(10_900)}`;
    expect(Buffer.byteLength(text)).toBeGreaterThan(65_000);
    await quarantineMessage(world.start().deps, 'rotation-requests', text);
    expect((await entries(world)).map(({ message }) => message)).toEqual([text]);
  });

  it('is kept once, with the same reasons, when it is delivered twice', async () => {
    const world = createWorld({ devices: 1 });
    const { deps } = world.start();
    const delivery = { queue: 'rotation-runs', message: '{"runId":"?"}' };
    await noteFault(deps, delivery, new MessageError('no run'));
    for (let i = 0; i < 2; i++) await quarantineMessage(deps, delivery.queue, delivery.message);
    expect(await entries(world)).toMatchObject([
      { reasons: ['a message of the queue rotation-runs failed at every delivery', 'MessageError: no run'] },
    ]);
  });

  it('says so when no delivery left an error', async () => {
    const world = createWorld({ devices: 1 });
    await quarantineMessage(world.start().deps, 'rotation-requests', {});
    expect((await entries(world))[0]?.reasons).toEqual([
      'the request failed at every delivery',
      'no delivery left an error: the process may have died each time, or storage could not be reached',
    ]);
  });

  it('tells whom a request was about, in its own words, a thousand of them, however little of it is right', async () => {
    const world = createWorld({ devices: 1 });
    const targets = [
      { deviceName: 'LAPTOP-1' },
      { deviceHealthScriptId: 'a', failing: true },
      'LAPTOP-2',
      { deviceName: '111111-222222-333333-444444-555555-666666-777777-888888' },
      ...Array.from({ length: 1_500 }, (_, i) => ({ serialNumber: `${i}` })),
    ];
    await quarantineMessage(world.start().deps, 'rotation-requests', { targets, unknown: 1 });
    const devices = (await entries(world))[0]?.devices ?? [];
    expect(devices.slice(0, 5)).toEqual([
      'deviceName LAPTOP-1',
      'deviceHealthScriptId a, failing true',
      '"LAPTOP-2"',
      'deviceName [redacted]',
      'serialNumber 0',
    ]);
    expect(devices).toHaveLength(1_001);
    expect(devices.at(-1)).toBe('and 504 more');
  });
});

describe('the note of a fault', () => {
  const delivery = { queue: 'rotation-runs', message: '{}' };

  async function noted(error: unknown): Promise<string | undefined> {
    const world = createWorld({ devices: 1 });
    const { deps } = world.start();
    await noteFault(deps, delivery, error);
    await quarantineMessage(deps, delivery.queue, delivery.message);
    return (await entries(world))[0]?.reasons.at(-1);
  }

  it.each([
    ['our own', new GraphError('forbidden', 'the role is missing'), 'GraphError: the role is missing'],
    ['a foreign one', new TypeError('https://x?sig=abc'), 'TypeError; the log tells when'],
    [
      'one with a code',
      Object.assign(new Error('secret'), { code: 'ECONNRESET' }),
      'Error (ECONNRESET); the log tells when',
    ],
    ['none', 'thrown text', 'string; the log tells when'],
    [
      'one that quotes a token',
      new MessageError('got eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.x'),
      'MessageError: got [redacted]',
    ],
  ])('holds no more of an error than may be logged: %s', async (_what, error, expected) => {
    expect(await noted(error)).toBe(expected);
  });

  it('hides no fault when it cannot be written, or deleted: the log tells', async () => {
    const world = createWorld({ devices: 1 });
    const { deps } = world.start();
    const refuse = () => Promise.reject(new Error('storage is away'));
    const broken = { ...deps, ledger: { ...deps.ledger, noteFault: refuse, forgetFault: refuse } };
    await noteFault(broken, delivery, new MessageError('x'));
    await forgetFault(broken, delivery);
    expect(world.log.filter((line) => line.includes('"warn"') || line.includes('could not be')).length).toBe(2);
  });

  it('goes once a delivery went well', async () => {
    const world = createWorld({ devices: 1 });
    const { deps } = world.start();
    await noteFault(deps, delivery, new MessageError('x'));
    await forgetFault(deps, delivery);
    await quarantineMessage(deps, delivery.queue, delivery.message);
    expect((await entries(world))[0]?.reasons.at(-1)).toMatch(/^no delivery left an error/);
  });
});
