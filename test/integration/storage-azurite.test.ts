import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startAzurite } from '../../src/local/azurite.ts';

/** True when something listens there. */
async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return true;
  } catch {
    return false;
  }
}

describe('Azurite as a child process', () => {
  it('listens on three ports of its own until it is stopped, twice without harm', async () => {
    const [one, two] = await Promise.all([startAzurite(), startAzurite()]);
    const all = [...Object.values(one.endpoints), ...Object.values(two.endpoints)];
    expect(new Set(all.map((url) => new URL(url).port)).size).toBe(6);
    for (const url of all) expect(await answers(url)).toBe(true);
    await one.stop();
    await one.stop();
    for (const url of Object.values(one.endpoints)) expect(await answers(url)).toBe(false);
    expect(await answers(two.endpoints.table)).toBe(true);
    await two.stop();
  });

  it('dies with the process that started it, also when that is killed', async () => {
    const script = `
      const { startAzurite } = await import(${JSON.stringify(new URL('../../src/local/azurite.ts', import.meta.url).href)});
      const { endpoints } = await startAzurite();
      process.send(endpoints.table);
    `;
    const parent = fork('-', [], { execArgv: ['--input-type=module', '-e', script], silent: true });
    const [table] = (await once(parent, 'message')) as [string];
    expect(await answers(table)).toBe(true);
    parent.kill('SIGKILL');
    for (let i = 0; i < 100 && (await answers(table)); i++) await sleep(100);
    expect(await answers(table)).toBe(false);
  });
});
