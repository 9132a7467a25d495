import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { DEVICE_KINDS } from '../../../src/simulator/devices/device-kind.ts';
import { FAULT_NAMES, RATED_FAULTS } from '../../../src/simulator/faults.ts';
import { expectHonest } from './expect-honest.ts';
import { runWith } from './fault-world.ts';

const text = await readFile(new URL('../../../docs/faults.md', import.meta.url), 'utf8');

/** The rows of the table below a heading, as cells. */
function tableOf(heading: string): readonly (readonly string[])[] {
  const section = text.split('\n## ').find((part) => part.startsWith(heading)) ?? '';
  const table = section.slice(section.indexOf('\n|')).split('\n\n')[0] ?? '';
  const [, , ...rows] = table.trim().split('\n');
  return rows.map((row) => row.split('|').slice(1, -1));
}

const codesIn = (cell = ''): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

describe('docs/faults.md', () => {
  const faults = tableOf('Faults of Graph');

  it('has a line for every fault of the simulator, and for none that there is not', () => {
    const named = new Set(
      faults.flatMap(([fault]) => codesIn(fault)).filter((code) => !/^(Retry-After|\$batch)$/.test(code)),
    );
    // `malformed` alone stands for all of its variants.
    named.delete('malformed');
    expect([...named].sort()).toEqual([...FAULT_NAMES].sort());
  });

  it('has a line for every fault that can be given a rate, and for none that cannot', () => {
    expect(faults.flatMap(([, rate]) => codesIn(rate)).sort()).toEqual([...RATED_FAULTS].sort());
  });

  it('says in each line what is done and what is seen', () => {
    const lines = ['Faults of Graph', 'Tokens and roles', 'Devices', 'Runs that stop', 'Crashes'].flatMap(tableOf);
    expect(lines.length).toBeGreaterThan(50);
    for (const [what = '', ...cells] of lines)
      expect({ what, said: cells.slice(-2).every((cell) => cell.trim() !== '') }).toEqual({ what, said: true });
  });

  it('says of every kind of device how it ends, and a mixed fleet ends just so', async () => {
    const { world, run, rows } = await runWith([], {
      devices: 600,
      fleet: 'mixed',
      seed: 3,
      pageSize: 200,
      settings: { ROTATION_CANARY_DEVICES: '20', GRAPH_WRITE_BUDGET: '200/PT20S' },
    });
    expect(run.state).toBe('completed');
    const ends = new Map<string, Set<string>>(DEVICE_KINDS.map((kind) => [kind, new Set()]));
    for (const { managedDeviceId, state, skipReason } of rows)
      ends.get(world.sim.truth.device(managedDeviceId)?.kind ?? '')?.add(skipReason ?? state);
    const documented = new Map(tableOf('Devices').map(([kind, , ending]) => [codesIn(kind)[0], codesIn(ending)]));
    expect([...documented.keys()].sort()).toEqual([...DEVICE_KINDS].sort());
    for (const [kind, seen] of ends) {
      const said = documented.get(kind) ?? [];
      // A kind that may be due or not need not be both in one fleet.
      expect({ kind, unsaid: [...seen].filter((end) => !said.includes(end)) }).toEqual({ kind, unsaid: [] });
      if (said.length > 0)
        expect({ kind, seen: seen.has(said[0] ?? '') || seen.has(said[1] ?? '') }).toEqual({ kind, seen: true });
    }
    await expectHonest(world);
  });
});
