/** Azurite, the storage emulator, as a child process on free loopback ports with everything in memory. Layer: local. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Public, the same on every machine. Source: Azurite, "Default storage account" (read 2026-11-22). */
const ACCOUNT_NAME = 'devstoreaccount1';
const ACCOUNT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const SERVICES = ['Blob', 'Queue', 'Table'] as const;
type Service = (typeof SERVICES)[number];

/** Azurite loads in one to eight seconds, depending on the disk; chosen well above. */
const START_TIMEOUT_MS = 60_000;
/** Chosen: what it takes to close three idle servers, generously. */
const STOP_TIMEOUT_MS = 2_000;

/** Ends the child, and removes its directory, when the parent is gone, however it ended: the channel between them closes. */
const DIE_WITH_PARENT = `data:text/javascript,${encodeURIComponent(`
  import { rmSync } from 'node:fs';
  const directory = process.cwd();
  process.on('disconnect', () => {
    rmSync(directory, { recursive: true, force: true });
    process.exit();
  });
`)}`;

/** A running Azurite. */
export interface Azurite {
  /** For any process on this machine, as `AzureWebJobsStorage`. */
  readonly connectionString: string;
  readonly endpoints: Readonly<Record<'blob' | 'queue' | 'table', string>>;
  /** Ends it and removes its directory. Harmless when repeated. */
  stop(): Promise<void>;
}

/** Azurite's own command line, serving blobs, queues and tables. */
async function entryPoint(): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve('azurite/package.json');
  const { bin } = JSON.parse(await readFile(manifest, 'utf8')) as { readonly bin: { readonly azurite: string } };
  return join(dirname(manifest), bin.azurite);
}

/** The three addresses, from what it prints when it listens. @throws {Error} with its output when it ends before or takes too long. */
function listening(child: ChildProcess): Promise<Record<Service, string>> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (why: string) => reject(new Error(`Azurite ${why}. Its output:\n${output.slice(-2_000)}`));
    const timer = setTimeout(() => fail(`did not start within ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS);
    const onExit = (code: number | null) => fail(`ended with code ${code} before it listened`);
    const onError = (error: Error) => fail(`could not be started: ${error.message}`);
    child.once('exit', onExit).once('error', onError);
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const found = SERVICES.map(
        (s) => new RegExp(`${s} service is successfully listening at (http://\\S+)`).exec(output)?.[1],
      );
      const [Blob, Queue, Table] = found;
      if (Blob === undefined || Queue === undefined || Table === undefined) return;
      clearTimeout(timer);
      child.off('exit', onExit).off('error', onError);
      child.stdout?.off('data', read).resume();
      resolve({ Blob, Queue, Table });
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', (chunk: Buffer) => {
      if (output.length < 100_000) output += chunk.toString();
    });
    child.once('exit', () => clearTimeout(timer));
  });
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/**
 * Starts Azurite and waits until it listens. It dies with this process, also when that is killed.
 * @throws {Error} with its output when it does not come up.
 */
export async function startAzurite(): Promise<Azurite> {
  const directory = await mkdtemp(join(tmpdir(), 'keyturn-azurite-'));
  const entry = await entryPoint();
  const flags = [
    ...SERVICES.flatMap((s) => [`--${s.toLowerCase()}Host`, '127.0.0.1', `--${s.toLowerCase()}Port`, '0']),
    '--inMemoryPersistence',
    '--skipApiVersionCheck',
    '--disableTelemetry',
    '--silent',
  ];
  const child = fork(entry, flags, {
    cwd: directory,
    silent: true,
    execArgv: ['--import', DIE_WITH_PARENT],
    // In a group of its own, since Ctrl+C goes to the whole group and storage must outlive the app's last checkpoint.
    detached: process.platform !== 'win32',
  });

  async function stop(): Promise<void> {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended(child);
    clearTimeout(timer);
    await rm(directory, { recursive: true, force: true });
  }

  try {
    const { Blob, Queue, Table } = await listening(child);
    const endpoints = {
      blob: `${Blob}/${ACCOUNT_NAME}`,
      queue: `${Queue}/${ACCOUNT_NAME}`,
      table: `${Table}/${ACCOUNT_NAME}`,
    };
    const connectionString = [
      'DefaultEndpointsProtocol=http',
      `AccountName=${ACCOUNT_NAME}`,
      `AccountKey=${ACCOUNT_KEY}`,
      `BlobEndpoint=${endpoints.blob}`,
      `QueueEndpoint=${endpoints.queue}`,
      `TableEndpoint=${endpoints.table}`,
    ].join(';');
    return { connectionString: `${connectionString};`, endpoints, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
