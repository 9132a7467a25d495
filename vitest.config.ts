import { defineConfig } from 'vitest/config';

/** Two projects: `unit` needs nothing but the code; `integration` starts Azurite and the compiled app as child processes, of its own for each file. */
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
