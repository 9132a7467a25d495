import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { createFunctionInvoker } from '../../src/local/invoke-function.ts';
import { loadFunctionApp } from '../../src/local/load-function-app.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';

const PACKAGE_ROOT = path.join(import.meta.dirname, '../..');
const app = await loadFunctionApp(PACKAGE_ROOT, () => {});

afterEach(() => {
  vi.unstubAllEnvs();
});

// A `main` glob that matches nothing, or a module that fails to load, registers no function in Azure, without any error.
it('the main glob of package.json registers exactly these functions and hooks, whatever the settings', () => {
  const bindings = app.functions.map(({ metadata }) => {
    const described = Object.values(metadata.bindings).map(({ name: _, ...binding }) => binding);
    return { name: metadata.name, bindings: described, retry: metadata.retryOptions };
  });
  const queue = (name: string, queueName: string) => ({
    name,
    bindings: [
      {
        type: 'queueTrigger',
        direction: 'in',
        queueName,
        connection: 'AzureWebJobsStorage',
        properties: { supportsDeferredBinding: 'false' },
      },
    ],
    retry: undefined,
  });
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  expect(bindings.sort(byName)).toEqual([
    queue('continue-rotation', 'rotation-runs'),
    queue('quarantine-encryption-states', 'encryption-states-poison'),
    queue('quarantine-rotation-requests', 'rotation-requests-poison'),
    queue('quarantine-rotation-runs', 'rotation-runs-poison'),
    queue('record-encryption-state', 'encryption-states'),
    queue('rotate-on-demand', 'rotation-requests'),
    {
      name: 'scheduled-rotation',
      bindings: [
        {
          type: 'timerTrigger',
          direction: 'in',
          schedule: '%ROTATION_SCHEDULE%',
          properties: { supportsDeferredBinding: 'false' },
        },
      ],
      retry: undefined,
    },
  ]);
  expect(app.hooks.appTerminate).toHaveLength(1);
  expect(app.hooks.appStart).toHaveLength(0);
  expect(app.hooks.preInvocation).toHaveLength(0);
  expect(app.hooks.postInvocation).toHaveLength(0);
});

it.each(app.functions.map((registered) => ({ registered, name: registered.metadata.name })))(
  '$name fails closed, naming what is wrong, when the settings are bad',
  async ({ registered }) => {
    vi.stubEnv('TENANT_ID', 'contoso');
    vi.stubEnv('ROTATION_MODE', 'yes');
    const invoker = createFunctionInvoker({
      app,
      clock: createSystemClock(),
      random: createSystemRandom(),
      onLog: () => {},
    });
    const outcome = await invoker.invoke(registered, { input: { json: '{}' }, metadata: {} });
    expect(outcome).toMatchObject({ kind: 'failed', error: { name: 'SettingsError' } });
    const { message } = (outcome as { error: Error }).error;
    expect(message).toContain('TENANT_ID');
    expect(message).toContain('ROTATION_MODE');
  },
);
