import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import {
  AccountSASPermissions,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FleetPicture } from '../../src/domain/fleet/fleet-picture.ts';
import { CANARY_SECRETS } from '../../src/simulator/canary-secrets.ts';
import { createSimulatedTenant } from '../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer, type SimulatorServer } from '../../src/simulator/simulator-server.ts';
import { settingsFor } from '../../src/simulator/simulator-settings.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { runCli } from '../cli/cli-process.ts';
import { useAzurite } from '../support/azurite.ts';
import { createWebhookServer, WEBHOOK_CERTIFICATE, type WebhookServer } from '../support/webhook-server.ts';

const HOUR_MS = 3_600_000;
const clock = createSystemClock();
const azurite = useAzurite();
let server: SimulatorServer | undefined;
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-fleet-'));
});
afterAll(async () => {
  await server?.close();
  await hook?.close();
  await rm(directory, { recursive: true });
});

const HOOK_SECRETS = ['secret-in-the-path', 'secret-in-the-query'];
const posted: unknown[] = [];
let hook: WebhookServer | undefined;

/** The address of a webhook on this machine, which keeps what is posted. */
async function webhook(): Promise<string> {
  hook = await createWebhookServer((request, response) => {
    void json(request).then((body) => {
      posted.push(body);
      response.writeHead(202).end();
    });
  });
  return `${hook.root}/workflows/${HOOK_SECRETS[0]}?sig=${HOOK_SECRETS[1]}`;
}

interface FleetDocument {
  readonly picture: FleetPicture;
  readonly previous: FleetPicture | null;
  readonly changes: readonly { readonly name: string; readonly before: number; readonly now: number }[];
  readonly rotatedWithoutKey: readonly { readonly deviceName: string }[];
  readonly warnings: readonly string[];
}

/** The same account, by a signature that allows to read, list, add and update, and to create nothing but rows. */
function mayNotCreate(): string {
  const parts = new Map(
    azurite
      .connectionString()
      .split(';')
      .map((part): [string, string] => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  );
  const signature = generateAccountSASQueryParameters(
    {
      expiresOn: new Date(clock.nowMs() + HOUR_MS),
      permissions: AccountSASPermissions.parse('rlau'),
      resourceTypes: 'sco',
      services: 'btq',
    },
    new StorageSharedKeyCredential(parts.get('AccountName') ?? '', parts.get('AccountKey') ?? ''),
  );
  const endpoints = ['BlobEndpoint', 'QueueEndpoint', 'TableEndpoint'].map((name) => `${name}=${parts.get(name)}`);
  return [...endpoints, `SharedAccessSignature=${signature}`].join(';');
}

describe('fleet', () => {
  it('shows the keys of the tenant before and after a run, finds the dangerous device, and sends nothing', async () => {
    const tenant = createSimulatedTenant({
      clock,
      fleet: 'healthy',
      speed: 900,
      tenantId: '7e570000-0000-4000-8000-0000000000f1',
      plantSecrets: true,
      devices: [
        ...Array.from({ length: 12 }, () => ({ keyAgeDays: 200 })),
        { name: '=DANGEROUS', behaviour: 'saysDone', keyAgeDays: 200, checkInDelayMs: HOUR_MS / 4 },
        { name: 'SILENT', behaviour: 'neverChecksIn', osKeys: 0 },
      ],
    });
    server = await createSimulatorServer({ tenant, clock });
    const schedule = { confirmScheduleMs: [HOUR_MS / 2, HOUR_MS], canaryWaitMs: 4 * HOUR_MS };
    const settings = {
      ...settingsFor(server, schedule),
      AzureWebJobsStorage: azurite.connectionString(),
      ROTATION_CANARY_DEVICES: '0',
      NOTIFY_WEBHOOK: await webhook(),
      NODE_EXTRA_CA_CERTS: WEBHOOK_CERTIFICATE,
      // Whatever the libraries can say, they say.
      AZURE_LOG_LEVEL: 'verbose',
      TYPESPEC_RUNTIME_LOG_LEVEL: 'verbose',
    };
    const texts: string[] = [];
    async function keyturn(...args: readonly string[]): Promise<string> {
      const { code, stdout, stderr } = await runCli(args, settings);
      texts.push(stdout, stderr);
      expect({ args, code }).toEqual({ args, code: 0 });
      return stdout;
    }

    const before = JSON.parse(await keyturn('fleet', '--json')) as FleetDocument;
    expect(before.previous).toBeNull();
    expect(before.picture).toMatchObject({ devices: 14, withoutKey: 1, pastMaxKeyAge: 13, rotatedWithoutKey: 0 });
    expect(tenant.referee.rotationsAccepted).toBe(0);

    await keyturn('run', '--live', '--wait');
    const [html, csv] = [path.join(directory, 'fleet.html'), path.join(directory, 'fleet.csv')];
    const { picture, previous, changes, rotatedWithoutKey } = JSON.parse(
      await keyturn('fleet', '--json', '--html', html, '--csv', csv),
    ) as FleetDocument;
    expect(previous).toEqual(before.picture);
    expect(picture).toMatchObject({ rotatedWithoutKey: 1, neverAnswered: 1, withoutKey: 1, pastMaxKeyAge: 1 });
    expect(picture.keyAges).toMatchObject({ under30Days: 12, under365Days: 1, none: 1 });
    expect(rotatedWithoutKey).toMatchObject([{ deviceName: '=DANGEROUS' }]);
    expect(changes).toContainEqual({ name: 'keyAges.under30Days', before: 0, now: 12 });
    expect(changes).toContainEqual({ name: 'rotatedWithoutKey', before: 0, now: 1 });
    expect(tenant.referee.rotationsAccepted).toBe(14);
    tenant.referee.assertClean();
    expect(posted).toMatchObject([
      { event: 'deviceInDanger', rotatedWithoutKey: 1 },
      { event: 'runEnded', state: 'completed', counts: { proven: 12, overdue: 2 }, rotatedWithoutKey: 1 },
    ]);

    const table = await readFile(csv, 'utf8');
    const rows = parse(table, { columns: true }) as Readonly<Record<string, string>>[];
    expect(rows).toHaveLength(14);
    expect(rows.map(({ deviceName }) => deviceName)).toContain("'=DANGEROUS");
    const page = await readFile(html, 'utf8');
    expect(page).toContain('1 device rotated, and no newer key is in escrow.');
    const shown = await keyturn('fleet');
    expect(shown).toMatch(/rotated, never escrowed +1/);
    expect(shown).toContain('nothing changed');

    // A reader: of blobs it may write and delete none, nor make a container; the pace it keeps like everybody.
    const reader = await runCli(['fleet', '--json'], { ...settings, AzureWebJobsStorage: mayNotCreate() });
    const seen = JSON.parse(reader.stdout) as FleetDocument;
    expect({ code: reader.code, danger: seen.picture.rotatedWithoutKey }).toEqual({ code: 0, danger: 1 });
    expect(seen.previous).not.toBeNull();
    expect(seen.warnings).toMatchObject([
      expect.stringContaining('this picture could not be kept to compare the next one with: Azure Blob Storage'),
    ]);
    expect(reader.stderr).toContain(`warning: ${seen.warnings[0]}`);
    texts.push(reader.stdout, reader.stderr);

    expect(texts.join('\n')).toContain('azure:core-rest-pipeline');
    const all = [...texts, table, page, JSON.stringify(posted)].join('\n');
    for (const secret of [...HOOK_SECRETS, ...CANARY_SECRETS, ...tenant.issuedTokens])
      expect(all.includes(secret)).toBe(false);
  });

  it('says before any work that a file cannot be written', async () => {
    const { code, stderr } = await runCli(['fleet', '--csv', path.join(directory, 'nowhere', 'x.csv')]);
    expect(stderr).toContain('cannot be written (ENOENT)');
    expect(code).toBe(2);
  });
});
