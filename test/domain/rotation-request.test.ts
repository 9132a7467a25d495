import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTenantId } from '../../src/domain/ids.ts';
import { parseRotationRequest } from '../../src/domain/rotation-request.ts';
import { anyMessage, goodMessage } from '../support/request-messages.ts';

const tenantId = parseTenantId('7e570000-0000-4000-8000-00000000abcd');
const ID = 'A1B2C3D4-0000-4000-8000-00000000000F';
const id = ID.toLowerCase();
const parse = (message: unknown) => parseRotationRequest(message, { tenantId });

function requestIn(message: unknown) {
  const parsed = parse(message);
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'));
  return parsed.ok;
}

function problemsOf(message: unknown): readonly string[] {
  const parsed = parse(message);
  return 'problems' in parsed ? parsed.problems : [];
}

/** Every form that the contract shows, and as what it is kept. */
const FORMS = [
  [{ managedDeviceId: ID }, { managedDeviceId: id }],
  [{ entraDeviceId: ID }, { entraDeviceId: id }],
  [{ deviceName: 'Ünit 7/3 %' }, { deviceName: 'Ünit 7/3 %' }],
  [{ serialNumber: 'PF-2X' }, { serialNumber: 'PF-2X' }],
  [{ userPrincipalName: "o'hara@contoso.com" }, { userPrincipalName: "o'hara@contoso.com" }],
  [{ comanagedDeviceId: ID }, { comanagedDeviceId: id }],
  [
    { deviceHealthScriptId: 'S', deviceRunStateId: 'R:1' },
    { deviceHealthScriptId: 'S', deviceRunStateId: 'R:1' },
  ],
  [
    { deviceComplianceScriptId: 'S', deviceRunStateId: 'R' },
    { deviceComplianceScriptId: 'S', deviceRunStateId: 'R' },
  ],
  [
    { deviceManagementScriptId: 'S', deviceRunStateId: 'R' },
    { deviceManagementScriptId: 'S', deviceRunStateId: 'R' },
  ],
  [
    { deviceManagementScriptId: 'S', deviceRunStateId: 'R', userId: 'U', managedDeviceId: ID },
    { deviceManagementScriptId: 'S', deviceRunStateId: 'R', userId: 'U', managedDeviceId: id },
  ],
  [
    { managedDeviceId: ID, detectedAppId: 'A', deviceRunStateId: 'R', deviceManagementScriptId: 'S' },
    { deviceManagementScriptId: 'S', deviceRunStateId: 'R', detectedAppId: 'A', managedDeviceId: id },
  ],
  [
    { deviceHealthScriptId: 'S', failing: true },
    { deviceHealthScriptId: 'S', failing: true },
  ],
  [
    { deviceComplianceScriptId: 'S', failing: true },
    { deviceComplianceScriptId: 'S', failing: true },
  ],
  [
    { deviceManagementScriptId: 'S', failing: true },
    { deviceManagementScriptId: 'S', failing: true },
  ],
] as const;

describe('a request', () => {
  it.each(FORMS)('may name %j', (target, kept) => {
    expect(requestIn({ targets: [target] })).toEqual({ targets: [kept] });
  });

  it('has all the properties of the contract', () => {
    expect(
      requestIn({
        requestId: ID,
        tenantId: tenantId.toUpperCase(),
        reason: ' disclosed\r\n to the caller ',
        requestedBy: 'INC-1234',
        notBefore: '2026-12-01T09:00:00.25+01:00',
        targets: [{ deviceName: 'LAPTOP-1' }],
      }),
    ).toEqual({
      requestId: id,
      reason: 'disclosed to the caller',
      requestedBy: 'INC-1234',
      notBeforeMs: Date.UTC(2026, 11, 1, 8, 0, 0, 250),
      targets: [{ deviceName: 'LAPTOP-1' }],
    });
  });

  it('names a device once, however often it is written', () => {
    const { targets } = requestIn({ targets: [{ managedDeviceId: ID }, { deviceName: 'A' }, { managedDeviceId: id }] });
    expect(targets).toEqual([{ managedDeviceId: id }, { deviceName: 'A' }]);
  });

  it('says nothing with an empty reason or requester', () => {
    expect(requestIn({ reason: ' ', requestedBy: '', targets: [{ deviceName: 'A' }] })).toEqual({
      targets: [{ deviceName: 'A' }],
    });
  });
});

const TARGETS = [{ deviceName: 'A' }];

describe('a message is refused', () => {
  it.each([
    [null, 'the message must be a JSON object, got null'],
    [[], 'the message must be a JSON object, got a list of 0'],
    ['rotate', 'the message must be a JSON object, got "rotate"'],
    [7, 'the message must be a JSON object, got 7'],
    [undefined, 'the message must be a JSON object, got nothing'],
    [{}, 'targets must be a list of 1 to 5000 targets, got nothing'],
    [{ targets: [] }, 'targets must be a list of 1 to 5000 targets, got 0'],
    [{ targets: { deviceName: 'A' } }, 'targets must be a list of 1 to 5000 targets, got an object'],
    [{ targets: TARGETS, notbefore: '2026-12-01T08:00:00Z' }, '"notbefore" is no property of a request'],
    [JSON.parse('{"targets":[{"deviceName":"A"}],"__proto__":{}}'), '"__proto__" is no property of a request'],
    [{ targets: TARGETS, requestId: 'INC-1234' }, 'requestId must be a GUID, got "INC-1234"'],
    [{ targets: TARGETS, requestId: null }, 'requestId must be a GUID, got null'],
    [{ targets: TARGETS, tenantId: id }, `tenantId must be ${tenantId}, the tenant of this app, got "${id}"`],
    [{ targets: TARGETS, reason: 'bell\u0007' }, /^reason must be a text, up to 1000 .*, got "bell\\u0007"$/],
    [{ targets: TARGETS, reason: 'x'.repeat(1_001) }, /^reason must be .*, got "x{60}…"$/],
    [{ targets: TARGETS, requestedBy: 12 }, /^requestedBy must be a text, up to 256 .*, got 12$/],
    [{ targets: ['LAPTOP-1'] }, 'targets[0] must be an object, got "LAPTOP-1"'],
    [{ targets: [{}] }, 'targets[0] must name a device, as managedDeviceId does, got an empty object'],
    [{ targets: [...TARGETS, { name: 'A' }] }, 'targets[1]: "name" is no property of a target'],
    [
      { targets: [{ managedDeviceId: 'LAPTOP-1' }] },
      'targets[0].managedDeviceId must be an Intune managed device id, a GUID, got "LAPTOP-1"',
    ],
    [
      { targets: [{ entraDeviceId: '00000000-0000-0000-0000-000000000000' }] },
      /^targets\[0\]\.entraDeviceId must be an Entra device id, a GUID that is not all zeros, got "0{8}-/,
    ],
    [{ targets: [{ deviceName: '' }] }, /^targets\[0\]\.deviceName must be a device name, 1 to 256 .*, got ""$/],
    [
      { targets: [{ serialNumber: '\ud800' }] },
      /^targets\[0\]\.serialNumber must be a serial number, .*, got "\ufffd"$/,
    ],
    [{ targets: [{ deviceHealthScriptId: 'S', failing: false }] }, 'targets[0].failing must be true, got false'],
    [
      { targets: [{ deviceName: 'A', serialNumber: 'B' }] },
      'targets[0] must be deviceName, or serialNumber, got deviceName + serialNumber',
    ],
    [
      { targets: [{ deviceComplianceScriptId: 'S' }] },
      'targets[0] must be deviceComplianceScriptId + deviceRunStateId, or deviceComplianceScriptId + failing, got deviceComplianceScriptId',
    ],
  ])('%j: %s', (message, problem) => {
    const problems = problemsOf(message);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  it.each(['..', '.', 'a/b', 'a\\b', 'a?b', 'a#b', 'a%2e', 'a\nb', '', 'x'.repeat(257), '\udc00'])(
    'when an id that becomes part of a path is %j',
    (value) => {
      for (const name of ['deviceHealthScriptId', 'deviceRunStateId']) {
        const target = { deviceHealthScriptId: 'S', deviceRunStateId: 'R', [name]: value };
        expect(problemsOf({ targets: [target] })).toEqual([
          expect.stringContaining(`targets[0].${name} must be the id`),
        ]);
      }
    },
  );

  it.each([
    '2026-12-01',
    '2026-12-01T08:00:00',
    '2026-12-01T08:00Z',
    '2026-02-30T08:00:00Z',
    '2026-12-01T24:00:00Z',
    '2206-12-01T08:00:00Z',
    'tomorrow',
    1_796_112_000_000,
  ])('when notBefore is %j', (notBefore) => {
    expect(problemsOf({ targets: TARGETS, notBefore })).toEqual([
      expect.stringMatching(/^notBefore must be an instant/),
    ]);
  });

  it('with every problem, each at its place', () => {
    expect(
      problemsOf({
        requestId: 'x',
        dryrun: true,
        notBefore: 'soon',
        targets: [{ deviceName: 'A' }, { managedDeviceId: 'B', failing: 'yes', colour: 'red' }, 7],
      }),
    ).toEqual([
      '"dryrun" is no property of a request',
      'requestId must be a GUID, got "x"',
      expect.stringMatching(/^notBefore must be an instant .*, got "soon"$/),
      expect.stringMatching(/^targets\[1\]\.managedDeviceId must be .*, got "B"$/),
      'targets[1].failing must be true, got "yes"',
      'targets[1]: "colour" is no property of a target',
      expect.stringMatching(/^targets\[1\] must be managedDeviceId, or .*, got managedDeviceId \+ failing$/),
      'targets[2] must be an object, got 7',
    ]);
  });

  it('with every one of thousands of problems', () => {
    const problems = problemsOf({ targets: Array.from({ length: 5_001 }, () => 7) });
    expect(problems).toHaveLength(5_002);
    expect(problems[0]).toBe('targets must be a list of 1 to 5000 targets, got 5001');
    expect(problems.at(-1)).toBe('targets[5000] must be an object, got 7');
  });

  it('without repeating a recovery password that came in the wrong place', () => {
    const planted = '111111-222222-333333-444444-555555-666666-077777-088888';
    const problems = problemsOf({ targets: [{ managedDeviceId: planted, [planted]: planted, userId: `${planted}/` }] });
    expect(problems.length).toBeGreaterThan(2);
    expect(problems.join('\n')).not.toMatch(/\d{6}/);
  });
});

describe('a text that looks like a secret', () => {
  const planted = '111111-222222-333333-444444-555555-666666-077777-088888';
  const split = planted.replaceAll('-', ' \n\n\t ');

  it.each([
    ['reason', { reason: `it is ${planted}.` }],
    ['reason', { reason: split }],
    ['reason', { reason: planted.replaceAll('-', '') }],
    ['requestedBy', { requestedBy: planted }],
    ['reason', { reason: 'AccountKey=c2VjcmV0' }],
    ['targets[0].deviceName', { targets: [{ deviceName: planted }] }],
    ['targets[0].serialNumber', { targets: [{ serialNumber: planted }] }],
    ['targets[0].userPrincipalName', { targets: [{ userPrincipalName: planted }] }],
    ['targets[0].deviceHealthScriptId', { targets: [{ deviceHealthScriptId: planted, failing: true }] }],
  ])('is refused as %s and not repeated: %j', (place, part) => {
    const [problem = '', ...others] = problemsOf({ targets: TARGETS, ...part });
    expect(others).toEqual([]);
    expect(problem.startsWith(`${place} must be `)).toBe(true);
    expect(problem).toMatch(/and no recovery password, token or storage key, got ".*\[redacted\].*"$/);
    expect(problem).not.toMatch(/\d{6}|c2Vj/);
  });

  it.each(['INC0012345 / 123456-234567', 'serial 111111222222333333444444555555', 'the bearer'])(
    'is not %j',
    (reason) => {
      expect(requestIn({ targets: TARGETS, reason })).toMatchObject({ reason });
    },
  );
});

describe('the parser', () => {
  it('refuses what is nested, however deep', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    const places = [deep, { targets: deep }, { targets: [deep] }, { targets: [{ deviceName: deep }] }];
    const others = [
      { targets: TARGETS, reason: deep },
      { targets: TARGETS, requestId: deep, deep },
    ];
    for (const message of [...places, ...others]) expect(problemsOf(message).length).toBeGreaterThan(0);
  });

  it.each([
    ['2000-01-01T00:00:00+14:00', '2000-01-01T00:00:00.000Z'],
    ['2099-12-31T23:59:59-23:59', '2099-12-31T23:59:59.999Z'],
    ['2026-12-01T08:00:00+01:00', '2026-12-01T07:00:00.000Z'],
  ])('takes %s for %s, so that it can be written again', (notBefore, again) => {
    expect(requestIn({ targets: TARGETS, notBefore }).notBeforeMs).toBe(Date.parse(again));
    expect(requestIn({ targets: TARGETS, notBefore: again }).notBeforeMs).toBe(Date.parse(again));
  });

  it('reads its own answer as the same request', () => {
    fc.assert(
      fc.property(goodMessage(tenantId), (message) => {
        const { notBeforeMs, ...request } = requestIn(message);
        const again = notBeforeMs === undefined ? {} : { notBefore: new Date(notBeforeMs).toISOString() };
        expect(requestIn({ ...request, ...again })).toEqual(requestIn(message));
      }),
      { numRuns: 1_000 },
    );
  });

  it('never throws; whatever it tells is short and cannot be taken for anything else', () => {
    fc.assert(
      fc.property(fc.oneof(anyMessage(tenantId), fc.anything()), (message) => {
        const problems = problemsOf(message);
        expect(new Set(problems).size).toBe(problems.length);
        for (const problem of problems) {
          expect(problem.length).toBeLessThan(600);
          expect(problem).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
