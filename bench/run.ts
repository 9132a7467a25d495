/** `npm run bench [-- NAME…] [--json]`: measures each case in a fresh process, prints the figures, and ends with 1 when a goal is missed. Layer: bench. */
import { fork } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Bench, type BenchCase, isMet, type Row } from './support/bench.ts';
import { reportOf } from './support/report.ts';

/** In the order in which they run. Each is loaded when it is wanted: what another one needs would count as memory of a measured process. */
const BENCHES: ReadonlyMap<string, () => Promise<Bench>> = new Map([
  ['planning', async () => (await import('./planning.ts')).planning],
  ['rotating', async () => (await import('./rotating.ts')).rotating],
  ['cost', async () => (await import('./cost.ts')).costs],
  ['evidence', async () => (await import('./evidence.ts')).evidence],
  ['pacing', async () => (await import('./pacing.ts')).pacing],
  ['real-time', async () => (await import('./real-time.ts')).realTime],
]);

/** The case's row, from a process of its own. @throws {Error} when that process fails. */
function measured(bench: Bench, { name: caseName, execArgv = [] }: BenchCase): Promise<Row> {
  const child = fork(fileURLToPath(import.meta.url), ['--case', bench.name, caseName], {
    execArgv: [...execArgv],
  });
  return new Promise((resolve, reject) => {
    let row: Row | undefined;
    child.once('message', (message) => {
      row = message as Row;
    });
    child.once('exit', (code) => {
      if (code === 0 && row !== undefined) resolve(row);
      else reject(new Error(`${bench.name}, ${caseName}: the process ended with ${code}`));
    });
  });
}

async function measureOne(benchName: string, caseName: string): Promise<void> {
  const bench = await BENCHES.get(benchName)?.();
  const found = bench?.cases.find(({ name }) => name === caseName);
  if (found === undefined) throw new RangeError(`no case ${caseName} of ${benchName}`);
  const row = await found.measure();
  process.send?.(row, () => process.exit(0));
}

function machine(): Row {
  return {
    processors: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    memoryGiB: totalmem() / 2 ** 30,
    platform: process.platform,
    node: process.version,
  };
}

async function measureAll(names: readonly string[], asJson: boolean): Promise<void> {
  const unknown = names.filter((wanted) => !BENCHES.has(wanted));
  if (unknown.length > 0) {
    process.stderr.write(`no benchmark ${unknown.join(', ')}; there are ${[...BENCHES.keys()].join(', ')}\n`);
    process.exitCode = 2;
    return;
  }
  const results: { readonly name: string; readonly rows: readonly Row[]; readonly goals: readonly object[] }[] = [];
  for (const [name, load] of BENCHES) {
    if (names.length > 0 && !names.includes(name)) continue;
    const bench = await load();
    const rows: Row[] = [];
    for (const one of bench.cases) rows.push(await measured(bench, one));
    const goals = bench.goals(rows).map((goal) => ({ ...goal, holds: isMet(goal) }));
    if (goals.some(({ holds }) => !holds)) process.exitCode = 1;
    results.push({ name: bench.name, rows, goals });
    if (!asJson) process.stdout.write(`${reportOf(bench, rows)}\n`);
  }
  if (asJson) process.stdout.write(`${JSON.stringify({ machine: machine(), benches: results }, undefined, 2)}\n`);
}

const [flag, benchName = '', caseName = ''] = process.argv.slice(2);
if (flag === '--case') await measureOne(benchName, caseName);
else {
  const words = process.argv.slice(2);
  await measureAll(
    words.filter((word) => word !== '--json'),
    words.includes('--json'),
  );
}
