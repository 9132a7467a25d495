/** The compiled command line with something on standard input, in a folder of its own, watched for what it lets out. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const MAIN = path.join(import.meta.dirname, '..', '..', '..', 'dist', 'src', 'cli', 'main.js');

export interface EscrowProcess {
  readonly child: ChildProcess;
  readonly finished: Promise<EscrowFinished>;
}

export interface EscrowFinished {
  /** `null` when killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Its arguments and environment, as every user of the machine sees them while it runs. */
  readonly listed: string;
  /** Every file in its folder, by name. */
  readonly files: Readonly<Record<string, string>>;
}

export interface EscrowCall {
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input: string;
}

/** Starts it with the noisiest logging there is. */
export function startEscrow({ args, folder, environment = {}, input }: EscrowCall): EscrowProcess {
  const { PATH = '', TMPDIR, TEMP, SystemRoot } = process.env;
  const kept = Object.entries({ PATH, TMPDIR, TEMP, SystemRoot }).filter(([, value]) => value !== undefined);
  const child = spawn(process.execPath, [MAIN, 'escrow', ...args], {
    cwd: folder,
    env: { ...Object.fromEntries(kept), LOG_LEVEL: 'debug', AZURE_LOG_LEVEL: 'verbose', ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  let listed = '';
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      listed += processList(child.pid);
    });
  }
  // A process that has seen enough closes its end first.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return {
    child,
    finished: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, ...text, listed, files: filesIn(folder) }));
    }),
  };
}

/** Empty on systems without /proc, and once the process has ended. */
function processList(pid: number | undefined): string {
  try {
    return ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8')).join('\n');
  } catch {
    return '';
  }
}

function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(names.map(({ name }) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}
