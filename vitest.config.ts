import { defineConfig } from 'vitest/config';

/**
 * Two projects. `unit` needs nothing but the code; its files share a process, which spares loading the code for each: no module of ours has
 * state. `integration` has a process for each file, and starts Azurite and the compiled app as processes of its own.
 */
export default defineConfig({
  test: {
    // Many tests wait for processes of their own: a processor that is left out idles.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**'],
          isolate: false,
          testTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
