/** The compiled command line as a child process, with an environment of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '..', '..');
const MAIN = path.join(ROOT, 'dist', 'src', 'cli', 'main.js');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  /** All that the stream holds, once that includes the text. Rejects when the process ends without it. */
  saw(stream: 'stdout' | 'stderr', text: string): Promise<string>;
  readonly finished: Promise<Finished>;
}

/** Only what Node needs of this environment gets in, so that nobody's settings do. */
export function startCli(args: readonly string[], environment: Readonly<Record<string, string>> = {}): RunningCli {
  const { PATH = '', TMPDIR, TEMP, SystemRoot } = process.env;
  const kept = Object.entries({ PATH, TMPDIR, TEMP, SystemRoot }).filter(([, value]) => value !== undefined);
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: import.meta.dirname,
    env: { ...Object.fromEntries(kept), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      for (const listener of [...listeners]) listener();
    });
  }
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...text }));
  });
  return {
    child,
    finished,
    saw: (stream, wanted) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (!text[stream].includes(wanted)) return;
          listeners.delete(check);
          resolve(text[stream]);
        };
        listeners.add(check);
        check();
        finished.then(() => reject(new Error(`ended without ${wanted}:\n${text.stdout}\n${text.stderr}`)), reject);
      }),
  };
}

/** Runs it to its end. */
export function runCli(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return startCli(args, environment).finished;
}
