import { afterAll, describe, expect, it } from 'vitest';
import { createSimulatedTenant } from '../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer, type SimulatorServer } from '../../src/simulator/simulator-server.ts';
import { settingsFor } from '../../src/simulator/simulator-settings.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { startCli } from '../cli/cli-process.ts';
import { useAzurite } from '../support/azurite.ts';

const clock = createSystemClock();
/** Of its own: the functions would find the messages of other tests' tenants and refuse them. */
const azurite = useAzurite();
let server: SimulatorServer | undefined;
afterAll(() => server?.close());

describe('host', () => {
  it('runs the compiled functions until stopped', async () => {
    const tenant = createSimulatedTenant({ clock, devices: 2, fleet: 'healthy' });
    server = await createSimulatorServer({ tenant, clock });
    const settings = { ...settingsFor(server), AzureWebJobsStorage: azurite.connectionString() };
    const host = startCli(['host', '--json'], { ...settings, ROTATION_SCHEDULE: '* * * * * *' });
    await host.saw('stderr', 'run completed');
    host.child.kill('SIGTERM');
    const { code, stdout } = await host.finished;
    expect(code).toBe(0);
    const { functions, unfinished } = JSON.parse(stdout) as {
      functions: Record<string, { invocations: number; failures: number }>;
      unfinished: number;
    };
    expect(unfinished).toBe(0);
    expect(functions['scheduled-rotation']?.invocations).toBeGreaterThan(0);
    expect(functions['continue-rotation']?.invocations).toBeGreaterThan(0);
    expect(Object.values(functions).filter(({ failures }) => failures > 0)).toEqual([]);
  });
});
