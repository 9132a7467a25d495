import { defineConfig } from 'vitest/config';

/**
 * Needs what npm does not install, a Chromium and Python 3.9, and the compiled app; `npm run test:machine`. Apart from the other configuration,
 * so that `npm test` needs none of it.
 */
export default defineConfig({
  test: {
    name: 'machine',
    include: ['test/browser/**/*.browser.ts', 'test/python/**/*.python.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
