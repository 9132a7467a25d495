import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { QueueClient } from '@azure/storage-queue';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/app/report-run.ts';
import { createSimulatedTenant } from '../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer, type SimulatorServer } from '../../src/simulator/simulator-server.ts';
import { settingsFor } from '../../src/simulator/simulator-settings.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { runCli, startCli } from '../cli/cli-process.ts';
import { useAzurite } from '../support/azurite.ts';

const TENANT_ID = '7e570000-0000-4000-8000-0000000000aa';
const REQUEST_ID = 'b0000000-0000-4000-8000-00000000000b';
const DEVICE_ID = 'd0000000-0000-4000-8000-00000000000d';
const MAIN = path.join(import.meta.dirname, '../../dist/src/cli/main.js');

const clock = createSystemClock();
const azurite = useAzurite();
let directory = '';
let server: SimulatorServer | undefined;
afterAll(async () => {
  await server?.close();
  if (directory !== '') await rm(directory, { recursive: true });
});

const settings = () => ({ TENANT_ID, AzureWebJobsStorage: azurite.connectionString() });
const queue = () => new QueueClient(azurite.connectionString(), 'rotation-requests');

/** What is on the queue, taken off it. */
async function taken(): Promise<readonly unknown[]> {
  const { receivedMessageItems } = await queue().receiveMessages({ numberOfMessages: 32 });
  return receivedMessageItems.map(({ messageText }) => JSON.parse(messageText));
}

async function fileOf(text: string): Promise<string> {
  if (directory === '') directory = await mkdtemp(path.join(tmpdir(), 'keyturn-request-'));
  const file = path.join(directory, 'message.json');
  await writeFile(file, text);
  return file;
}

beforeEach(async () => {
  await queue().createIfNotExists();
  await queue().clearMessages();
});

describe('request', () => {
  it('puts one message that says what the options say, and tells its id', async () => {
    const script = 'e0000000-0000-4000-8000-00000000000e';
    const args = [
      ['--device', DEVICE_ID.toUpperCase(), DEVICE_ID],
      ['--entra-device', script],
      ['--name', 'LT-FRA-00001', 'LT-FRA-00002'],
      ['--serial', 'PF-2X'],
      ['--user', 'ada@contoso.com'],
      ['--comanaged', DEVICE_ID],
      ['--failing', `health:${script}`, `management:${script}`, 'compliance:C1'],
      ['--reason', 'disclosed to the caller', '--requested-by', 'INC-1234'],
      ['--not-before', '2026-12-01T09:00:00+01:00', '--request-id', REQUEST_ID.toUpperCase()],
    ].flat();
    const { code, stdout, stderr } = await runCli(['request', ...args], settings());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`npx keyturn status ${REQUEST_ID}`);
    expect(stdout).toContain('10 targets');
    expect(stdout).toContain('2026-12-01 08:00 UTC');
    expect(await taken()).toEqual([
      {
        requestId: REQUEST_ID,
        tenantId: TENANT_ID,
        reason: 'disclosed to the caller',
        requestedBy: 'INC-1234',
        notBefore: '2026-12-01T08:00:00.000Z',
        targets: [
          { managedDeviceId: DEVICE_ID },
          { entraDeviceId: script },
          { deviceName: 'LT-FRA-00001' },
          { deviceName: 'LT-FRA-00002' },
          { serialNumber: 'PF-2X' },
          { userPrincipalName: 'ada@contoso.com' },
          { comanagedDeviceId: DEVICE_ID },
          { deviceHealthScriptId: script, failing: true },
          { deviceManagementScriptId: script, failing: true },
          { deviceComplianceScriptId: 'C1', failing: true },
        ],
      },
    ]);
  });

  it('makes an id when none is given, the same in the message and in what it prints', async () => {
    const { stdout } = await runCli(['request', '--name', 'LT-1', '--reason', 'lost', '--json'], settings());
    const { requests } = JSON.parse(stdout) as { requests: { requestId: string; targets: number }[] };
    expect(requests).toEqual([{ requestId: expect.stringMatching(/^[0-9a-f-]{36}$/), targets: 1 }]);
    expect(await taken()).toMatchObject([{ requestId: requests[0]?.requestId }]);
  });

  it.each([
    ['a file', (text: string) => text],
    ['a file in base64', (text: string) => Buffer.from(text).toString('base64')],
  ])('takes a whole message from %s', async (_, encode) => {
    const message = { requestId: REQUEST_ID, targets: [{ deviceComplianceScriptId: 'C', deviceRunStateId: 'R' }] };
    const file = await fileOf(encode(JSON.stringify(message)));
    expect(await runCli(['request', '--message', file], settings())).toMatchObject({ code: 0, stderr: '' });
    expect(await taken()).toEqual([{ ...message, tenantId: TENANT_ID }]);
  });

  it('takes a whole message from standard input', async () => {
    const child = spawn(process.execPath, [MAIN, 'request', '--message', '-', '--json'], {
      env: { PATH: process.env.PATH, ...settings() },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(JSON.stringify({ requestId: REQUEST_ID, targets: [{ serialNumber: 'PF-2X' }] }));
    const [out] = await Promise.all([readAll(child.stdout), once(child, 'close')]);
    expect(JSON.parse(out)).toEqual({ queue: 'rotation-requests', requests: [{ requestId: REQUEST_ID, targets: 1 }] });
    expect(await taken()).toHaveLength(1);
  });

  it.each([
    [
      ['--device', 'LT-FRA-00001', 'x', '--reason', 'r', '--not-before', 'tomorrow', '--request-id', '1'],
      [
        '- requestId must be',
        '- notBefore must be',
        '- targets[0].managedDeviceId must be',
        '- targets[1].managedDeviceId must be',
      ],
    ],
    [['--reason', 'r'], ['Say which devices']],
    [['--name', 'LT-1'], ['--reason']],
    [['--failing', 'health', '--reason', 'r'], ['health:ID, management:ID or compliance:ID']],
    [['--failing', '__proto__:x', '--reason', 'r'], ['health:ID, management:ID or compliance:ID']],
    [['--message', 'message.json', '--name', 'LT-1'], ['--message is the whole message']],
    [['--message', 'there-is-no-such-file.json'], ['cannot be read (ENOENT)']],
  ])('%j ends with exit code 2, says everything that is wrong, and puts nothing', async (args, words) => {
    const { code, stdout, stderr } = await runCli(['request', ...args], settings());
    for (const each of words) expect(stderr).toContain(each);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(await taken()).toEqual([]);
  });

  it.each([
    ['not JSON', 'rotate LAPTOP-1', 'must hold one message as JSON'],
    ['refused', JSON.stringify({ targets: [], notbefore: '' }), '- "notbefore" is no property of a request'],
  ])('a file that is %s is not put', async (_, text, words) => {
    const { code, stderr } = await runCli(['request', '--message', await fileOf(text)], settings());
    expect(stderr).toContain(words);
    expect(code).toBe(2);
    expect(await taken()).toEqual([]);
  });
});

describe('a request that the host takes', () => {
  it('is rotated and told with its reason; names, serial numbers and users are found, and what is not is listed', async () => {
    const tenant = createSimulatedTenant({ clock, devices: 8, fleet: 'healthy', speed: 900, tenantId: TENANT_ID });
    server = await createSimulatorServer({ tenant, clock });
    const live = { ...settingsFor(server), ...settings(), ROTATION_MODE: 'live', ROTATION_SCHEDULE: '0 0 0 1 1 *' };
    const [names, others] = [tenant.truth.namesOf(1), tenant.truth.namesOf(2)];
    const args = [
      '--name',
      names.deviceName,
      'no-such-device',
      '--serial',
      others.serialNumber,
      '--reason',
      'lost laptop',
    ];
    const put = await runCli(['request', ...args, '--requested-by', 'INC-7', '--request-id', REQUEST_ID], live);
    expect(put).toMatchObject({ code: 0, stderr: '' });

    const host = startCli(['host'], live);
    await host.saw('stderr', 'run completed');
    host.child.kill('SIGTERM');
    expect((await host.finished).code).toBe(0);

    const { run } = JSON.parse((await runCli(['status', REQUEST_ID, '--json'], live)).stdout) as { run: RunReport };
    expect(run).toMatchObject({
      trigger: 'onDemand',
      state: 'completed',
      reason: 'lost laptop',
      requestedBy: 'INC-7',
      counts: { proven: 2 },
      unresolved: [expect.stringContaining('deviceName no-such-device')],
    });
    const { stdout } = await runCli(['status', REQUEST_ID], live);
    expect(stdout).toContain('Asked for by INC-7: lost laptop');

    const again = await runCli(['request', ...args, '--request-id', REQUEST_ID], live);
    expect(again.stdout).toMatch(/exists already, since .* UTC, as a run that is completed: nothing was put\./);
    expect(again.code).toBe(0);
    const json = await runCli(['request', ...args, '--request-id', REQUEST_ID, '--json'], live);
    expect(JSON.parse(json.stdout)).toMatchObject({
      requests: [{ requestId: REQUEST_ID, existing: { state: 'completed', mode: 'live', createdAt: run.createdAt } }],
    });
    const other = await runCli(['request', '--name', 'LT-9', '--reason', 'x', '--request-id', REQUEST_ID], live);
    expect(other).toMatchObject({ code: 2, stdout: '' });
    expect(other.stderr).toMatch(
      /Nothing was put: requestId .* for a request for 3 targets, and here for 1 other target:/,
    );
    expect(await taken()).toEqual([]);
    expect(tenant.truth.asked().map(({ index }) => index)).toEqual([1, 2]);
    tenant.referee.assertClean();
  });
});
