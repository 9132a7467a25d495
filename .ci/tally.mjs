// Prints the closing line of .ci/run from vitest's JSON report, and fails unless everything passed and something ran.
// Usage: node .ci/tally.mjs REPORT [FAILED_STEP ...]
import { readFileSync } from 'node:fs';

const [reportPath = '', ...failedSteps] = process.argv.slice(2);

function read() {
  try {
    return JSON.parse(readFileSync(reportPath, 'utf8'));
  } catch (error) {
    process.stderr.write(`no test report: ${error.message}\n`);
    return {
      numPassedTests: 0,
      numFailedTests: 0,
      numPendingTests: 0,
      numTodoTests: 0,
      success: false,
      testResults: [],
    };
  }
}

const report = read();
// A file that could not be loaded fails without a test of its own.
const brokenFiles = report.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
).length;
const failed = report.numFailedTests + brokenFiles;
const skipped = report.numPendingTests + report.numTodoTests;
const passed = report.numPassedTests;

const faults = [
  passed + failed === 0 && 'no test ran',
  skipped > 0 && `${skipped} tests were skipped`,
  failed === 0 && !report.success && 'the test run failed outside of its tests',
  ...failedSteps.map((name) => `npm run ${name} failed`),
].filter(Boolean);
for (const fault of faults) process.stderr.write(`${fault}\n`);

process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && faults.length === 0 ? 0 : 1;
