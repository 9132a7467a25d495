import { defineConfig } from 'vitest/config';

/** Needs a Chromium and the compiled app; `npm run test:browser`. Apart from the other configuration, so that `npm test` needs neither. */
export default defineConfig({
  test: {
    name: 'browser',
    include: ['test/browser/**/*.browser.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
