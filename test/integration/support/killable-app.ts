/** The app in processes of its own against a simulated tenant in this one, killed (SIGKILL) at the requests a test names. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  createSimulatedTenant,
  type SimulatedTenant,
  type SimulatedTenantOptions,
} from '../../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer } from '../../../src/simulator/simulator-server.ts';
import { settingsFor } from '../../../src/simulator/simulator-settings.ts';
import { createSystemClock } from '../../../src/system/clock.ts';

/** Kill when the n-th request (from 1, counted from the last kill) matching `path` arrives: before or after it takes effect, or a moment later. */
export interface KillPoint {
  readonly path: RegExp;
  readonly nth: number;
  readonly when: 'before' | 'after' | number;
}

export interface KillableApp {
  readonly sim: SimulatedTenant;
  readonly settings: Readonly<Record<string, string>>;
  /** Starts one process; resolves when it ended, with its exit code (null when killed) and what it printed. */
  run(
    extra?: Readonly<Record<string, string>>,
    kill?: KillPoint,
  ): Promise<{ readonly code: number | null; readonly output: string }>;
  close(): Promise<void>;
}

const PROCESS = fileURLToPath(new URL('run-process.ts', import.meta.url));

export async function startKillableApp(
  connectionString: string,
  options: Omit<SimulatedTenantOptions, 'clock'>,
  settings: Readonly<Record<string, string>>,
): Promise<KillableApp> {
  const clock = createSystemClock();
  const sim = createSimulatedTenant({ ...options, clock });
  let watch: ((path: string, phase: 'before' | 'after') => void) | undefined;
  const watched: SimulatedTenant = {
    ...sim,
    handle(request, timing) {
      const path = new URL(request.url).pathname;
      watch?.(path, 'before');
      const answer = sim.handle(request, timing);
      watch?.(path, 'after');
      return answer;
    },
  };
  const server = await createSimulatorServer({ tenant: watched, clock });
  const environment = {
    ...settingsFor(server),
    ROTATION_MODE: 'live',
    AzureWebJobsStorage: connectionString,
    TEST_LEASE_MS: '2000',
    ...settings,
  };

  function arm(child: ChildProcess, kill: KillPoint): void {
    let count = 0;
    watch = (path, phase) => {
      if (!kill.path.test(path)) return;
      if (phase === 'before') count += 1;
      if (count !== kill.nth) return;
      if (kill.when === phase) child.kill('SIGKILL');
      if (typeof kill.when === 'number' && phase === 'after')
        void clock.sleep(kill.when).then(() => child.kill('SIGKILL'));
    };
  }

  return {
    sim,
    settings: environment,
    async run(extra = {}, kill) {
      const child = spawn(process.execPath, [PROCESS], {
        env: { ...environment, ...extra },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      watch = undefined;
      if (kill !== undefined) arm(child, kill);
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => (output += text));
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, output };
    },
    close: () => server.close(),
  };
}
