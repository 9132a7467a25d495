/** On-demand messages for property tests: right ones, nearly right ones, and anything at all. */
import fc from 'fast-check';
import { REQUEST_FIELDS, TARGET_FIELDS, TARGET_FORMS, type TargetField } from '../../src/domain/request-fields.ts';

const HEX = [...'0123456789abcdefABCDEF'];
const hex = (length: number) => fc.string({ unit: fc.constantFrom(...HEX), minLength: length, maxLength: length });

/** In any letter case; any version. */
export const anyGuid: fc.Arbitrary<string> = fc
  .tuple(hex(8), hex(4), hex(4), hex(4), hex(12))
  .map((parts) => parts.join('-'));

/** Any UTF-16: control characters, lone surrogates and all. */
const anyText = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    '',
    '.',
    '..',
    '...',
    'a/b',
    'a\\b',
    'a?b',
    'a#b',
    'a%2fb',
    'a b',
    'Ünïcödé-😀',
    '\n',
    'a\r\nb\tc',
    '\u2028',
  ),
);
/** Around the longest that is allowed. */
const longText = fc
  .tuple(fc.constantFrom('a', '😀', 'é'), fc.constantFrom(255, 256, 257, 999, 1_000, 1_001))
  .map(([unit, length]) => unit.repeat(length));
const printable = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 });
const segment = fc.oneof(
  anyGuid,
  fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.~!$&()*+,;=:@ é😀'), minLength: 3, maxLength: 30 }),
);

const two = (least: number, most: number) =>
  fc.integer({ min: least, max: most }).map((n) => String(n).padStart(2, '0'));
/** Right and wrong ones. */
const instantOf = (days: fc.Arbitrary<string>, hours: fc.Arbitrary<string>, zones: fc.Arbitrary<string>) =>
  fc
    .tuple(
      fc.integer({ min: 2000, max: 2099 }),
      two(1, 12),
      days,
      hours,
      two(0, 59),
      two(0, 59),
      fc.constantFrom('', '.5', '.123', '.1234567', '.123456789'),
      zones,
    )
    .map(([y, m, d, h, min, s, fraction, zone]) => `${y}-${m}-${d}T${h}:${min}:${s}${fraction}${zone}`);
const offsets = fc.constantFrom('Z', '+00:00', '+01:00', '-05:30', '+14:00', '-23:59');
const goodInstant = instantOf(two(1, 28), two(0, 23), offsets);
const anyInstant = fc.oneof(
  instantOf(two(28, 32), two(0, 25), offsets),
  instantOf(two(0, 31), two(23, 24), fc.constantFrom('', 'z', '+0100', '+01', '+24:00', '+01:60', ' Z')),
  fc.constantFrom(
    '2026-12-01',
    '2026-12-01 08:00:00Z',
    '2026-12-01t08:00:00Z',
    '2026-12-31T23:59:60Z',
    '2024-02-29T00:00:00Z',
  ),
  fc.constantFrom(
    '2026-02-29T00:00:00Z',
    '2100-01-01T00:00:00Z',
    '1999-12-31T23:59:59Z',
    '2026-12-01T08:00Z',
    'tomorrow',
  ),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
);

const GOOD_TARGET: Readonly<Record<TargetField, fc.Arbitrary<unknown>>> = {
  managedDeviceId: anyGuid,
  entraDeviceId: anyGuid.filter((id) => !/^[0-]+$/.test(id)),
  deviceName: printable,
  serialNumber: printable,
  userPrincipalName: printable,
  comanagedDeviceId: anyGuid,
  deviceHealthScriptId: segment,
  deviceManagementScriptId: segment,
  deviceComplianceScriptId: segment,
  deviceRunStateId: segment,
  userId: segment,
  detectedAppId: segment,
  failing: fc.constant(true),
};

/** Any value in a property's place, often of the right kind. */
const anyValue = fc.oneof(
  { arbitrary: anyGuid, weight: 3 },
  { arbitrary: anyText, weight: 3 },
  { arbitrary: longText, weight: 1 },
  { arbitrary: anyInstant, weight: 2 },
  { arbitrary: goodInstant, weight: 1 },
  { arbitrary: fc.jsonValue({ maxDepth: 2 }), weight: 2 },
  {
    arbitrary: fc.constantFrom<unknown>('00000000-0000-0000-0000-000000000000', true, false, null, 0, 'true', [], {}),
    weight: 2,
  },
);

/** A target in one of the forms. */
export const goodTarget: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc
  .constantFrom(...TARGET_FORMS)
  .chain((form) => fc.record(Object.fromEntries(form.map((name) => [name, GOOD_TARGET[name]]))));

const FIELD_NAMES = Object.keys(TARGET_FIELDS);
const strangeName = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', 'ManagedDeviceId', 'deviceScriptId', 'id', ''),
  fc.string({ maxLength: 8 }),
);
/** With a property more, fewer, or another value. */
const nearlyGoodTarget = fc
  .tuple(
    goodTarget,
    fc.array(fc.tuple(fc.oneof(fc.constantFrom(...FIELD_NAMES), strangeName), anyValue), { maxLength: 2 }),
    fc.option(fc.nat(3)),
  )
  .map(([target, more, without]) => {
    const names = Object.keys(target);
    const entries = Object.entries(target).filter(([name]) => without === null || name !== names[without]);
    return withEntries([...entries, ...more]);
  });
const anyTarget = fc.oneof(
  { arbitrary: goodTarget, weight: 4 },
  { arbitrary: nearlyGoodTarget, weight: 3 },
  { arbitrary: fc.dictionary(fc.constantFrom(...FIELD_NAMES), anyValue, { maxKeys: 4 }), weight: 2 },
  { arbitrary: fc.jsonValue({ maxDepth: 2 }), weight: 1 },
);

/** As JSON would make it: `__proto__` is a property like any other. */
function withEntries(entries: readonly (readonly [string, unknown])[]): Readonly<Record<string, unknown>> {
  const object: Record<string, unknown> = {};
  for (const [name, value] of entries) {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

/** A request that is right. `tenantId`: the app's. */
export function goodMessage(tenantId: string): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  return fc.record(
    {
      requestId: anyGuid,
      tenantId: fc.constantFrom(tenantId, tenantId.toUpperCase()),
      reason: fc.oneof(printable, fc.constant('disclosed to\r\n\tthe caller'), fc.constant('')),
      requestedBy: printable,
      notBefore: goodInstant,
      targets: fc.array(goodTarget, { minLength: 1, maxLength: 6 }),
    },
    { requiredKeys: ['targets'] },
  );
}

const REQUEST_NAMES = Object.keys(REQUEST_FIELDS);

function nearlyGoodMessage(tenantId: string) {
  const change = fc.oneof(
    fc.tuple(fc.constantFrom(...REQUEST_NAMES), anyValue),
    fc.tuple(fc.constant('notBefore'), anyInstant),
    fc.tuple(fc.constant('targets'), fc.oneof(fc.array(anyTarget, { maxLength: 5 }), anyValue)),
    fc.tuple(fc.oneof(fc.constantFrom('notbefore', 'target', 'dryRun'), strangeName), anyValue),
  );
  return fc
    .tuple(
      goodMessage(tenantId),
      fc.array(change, { maxLength: 2 }),
      fc.option(fc.constantFrom('targets', 'requestId')),
    )
    .map(([message, changes, without]) =>
      withEntries([...Object.entries(message).filter(([name]) => name !== without), ...changes]),
    );
}

/** Deeper than `JSON.stringify` can go; made anew each time, since fast-check would print it level by level. */
const nested: fc.Arbitrary<unknown> = fc
  .tuple(fc.integer({ min: 5_000, max: 20_000 }), fc.constantFrom(['[', ']'], ['{"targets":', '}'], ['{"a":[', ']}']))
  .map(([depth, [open = '', close = '']]) => JSON.parse(`${open.repeat(depth)}1${close.repeat(depth)}`));
/** A good message in which one value is that deep. */
function nestedMessage(tenantId: string) {
  return fc
    .tuple(goodMessage(tenantId), fc.constantFrom('targets', 'target', 'requestId', 'reason', 'deep', 'all'), nested)
    .map(([message, place, deep]): unknown => {
      if (place === 'all') return deep;
      return place === 'target' ? { ...message, targets: [deep, { deviceName: deep }] } : { ...message, [place]: deep };
    });
}

/** Texts that may be kept nowhere, and some that only look like it. */
const secretText = fc
  .tuple(
    fc.array(fc.integer({ min: 100_000, max: 720_895 }), { minLength: 7, maxLength: 8 }),
    fc.constantFrom('-', ' ', '', '\n\n', ' - ', ':::', '::::'),
  )
  .chain(([groups, between]) =>
    fc.constantFrom(
      groups.join(between),
      `told: ${groups.join(between)}.`,
      `sig=${groups[0]}`,
      'Bearer x',
      'eyJhbGciOi',
    ),
  );
function secretMessage(tenantId: string) {
  return fc
    .tuple(
      goodMessage(tenantId),
      fc.constantFrom('reason', 'requestedBy', 'deviceName', 'serialNumber', 'deviceHealthScriptId'),
      secretText,
    )
    .map(([message, place, text]) => {
      if (place === 'reason' || place === 'requestedBy') return { ...message, [place]: text };
      const more = place === 'deviceHealthScriptId' ? { failing: true } : {};
      return { ...message, targets: [{ [place]: text, ...more }] };
    });
}

/** Anything that JSON can say: right, nearly right, or wild. */
export function anyMessage(tenantId: string): fc.Arbitrary<unknown> {
  return fc.oneof(
    { arbitrary: goodMessage(tenantId), weight: 3 },
    { arbitrary: nearlyGoodMessage(tenantId), weight: 5 },
    { arbitrary: fc.dictionary(fc.constantFrom(...REQUEST_NAMES, 'targets'), anyValue), weight: 1 },
    { arbitrary: fc.jsonValue(), weight: 1 },
    { arbitrary: secretMessage(tenantId), weight: 1 },
  );
}

/** As `anyMessage`, or deeper than `JSON.stringify` can go. */
export function anyMessageOfAnyDepth(tenantId: string): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: anyMessage(tenantId), weight: 60 }, { arbitrary: nestedMessage(tenantId), weight: 1 });
}
