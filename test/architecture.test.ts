import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { LAYERS, violationsOf, withoutComments } from './architecture/rules.ts';

const ROOT = path.join(import.meta.dirname, '..');

/** Paths of the sources, relative to the repository, with slashes. */
async function sourceFiles(): Promise<readonly string[]> {
  const perFolder = await Promise.all(
    ['functions', 'src'].map(async (folder) => {
      const names = await readdir(path.join(ROOT, folder), { recursive: true });
      return names.map((name) => path.posix.join(folder, ...name.split(path.sep)));
    }),
  );
  return perFolder.flat().filter((file) => file.endsWith('.ts'));
}

describe('the sources', () => {
  it('keep to the arrows between layers and to what each file may use', async () => {
    const files = await sourceFiles();
    const found = await Promise.all(
      files.map(async (file) => violationsOf(file, await readFile(path.join(ROOT, file), 'utf8'))),
    );
    expect(found.flat()).toEqual([]);
  });

  it('have files in every layer', async () => {
    const files = await sourceFiles();
    const empty = LAYERS.filter((layer) => !files.some((file) => layer.files.test(file)));
    expect(empty.map((layer) => layer.name)).toEqual([]);
  });
});

describe('the rules notice', () => {
  it.each([
    [
      'src/domain/run.ts',
      "import { createLedger } from '../storage/ledger.ts';",
      'domain must not import from storage',
    ],
    ['src/domain/run.ts', "import { z } from 'zod';", 'domain must not use the package zod'],
    ['src/domain/run.ts', "import fs from 'node:fs';", 'domain must not use the package node:fs'],
    ['src/app/plan-run.ts', "import type { GraphClient } from '../graph/client.ts';", 'app must not import from graph'],
    ['src/app/plan-run.ts', "export { x } from '../composition.ts';", 'app must not import from composition'],
    ['src/app/plan/plan.ts', "const m = await import('../../system/logger.ts');", 'app must not import from system'],
    ['src/graph/client.ts', "import '../storage/budget-store.ts';", 'graph must not import from storage'],
    ['src/graph/client.ts', "import { x } from '@azure/storage-blob/sub';", 'the package @azure/storage-blob'],
    ['src/storage/ledger.ts', "import { x } from '../app/deps.ts';", 'storage must not import from app'],
    ['src/composition.ts', "import { x } from './simulator/tenant.ts';", 'composition must not import from simulator'],
    ['src/simulator/tenant.ts', "import { x } from '../graph/routes.ts';", 'simulator must not import from graph'],
    ['functions/continue-rotation.ts', "import { x } from '../src/storage/queues.ts';", 'must not import from storage'],
    ['src/local/host.ts', "import { x } from '../../test/x.ts';", 'belongs to no layer'],
    ['src/other/x.ts', '', 'belongs to no layer'],
    ['src/app/x.ts', 'const a = Date.now();', 'Date.now: time comes from a Clock'],
    ['src/app/x.ts', 'const a = new Date( );', 'time comes from a Clock'],
    ['src/graph/x.ts', 'setTimeout(f, 5);', 'setTimeout: waiting is done on a Clock'],
    ['src/graph/x.ts', "import { setTimeout as s } from 'node:timers/promises';", 'waiting is done on a Clock'],
    ['src/cli/x.ts', 'const t = setInterval(f, 5);', 'setInterval: waiting is done on a Clock'],
    ['src/app/x.ts', 'const a = Math.random();', 'Math.random: randomness comes from a Random'],
    ['src/storage/x.ts', "import { randomUUID } from 'node:crypto';", 'randomness comes from a Random'],
    ['src/cli/x.ts', 'const { NO_COLOR } = process.env;', 'process.env: the environment is read by readEnvironment()'],
    ['src/config-table.ts', 'const { env } = process;', 'the environment is read by readEnvironment()'],
    ['src/graph/x.ts', "const url = '/recoveryKeys?$select=id,key';", 'no request selects key material'],
    ['src/graph/x.ts', 'const url = `/recoveryKeys/a?$select=key`;', 'no request selects key material'],
    ['src/graph/x.ts', "const query = { $select: ['id', 'key'] };", 'no request selects key material'],
    ['src/outbound/x.ts', "import { DefaultAzureCredential } from '@azure/identity';", 'loaded when a token is first'],
    ['src/app/x.ts', 'interface Row { readonly recoveryPassword: string }', 'has a name for the recovery password'],
    ['src/cli/escrow/x.ts', 'const text = revealRecoveryPassword(password);', 'only the escrow adapter reveals'],
    [
      'src/app/escrow/x.ts',
      "import { revealRecoveryPassword as r } from '../../domain/recovery-password.ts';",
      'only the',
    ],
    ['src/graph/tenant.ts', "import { createEscrow } from './escrow.ts';", 'escrow stays off the rotation path'],
    ['src/app/rotate-block.ts', "import type { Escrow } from '../domain/escrow.ts';", 'off the rotation path'],
    ['src/app/deps.ts', "import { x } from './escrow/escrow-rows.ts';", 'escrow stays off the rotation path'],
  ])('in %s: %s', (file, source, expected) => {
    const violations = violationsOf(file, source);
    expect(violations.join('\n')).toContain(expected);
    expect(violations[0]).toMatch(new RegExp(`^${file}(:1)?:? `));
  });

  it('the line', () => {
    expect(violationsOf('src/app/x.ts', '/* a\n b */\n\nconst now = Date.now();')).toEqual([
      'src/app/x.ts:4 must not use Date.now: time comes from a Clock',
    ]);
  });
});

describe('the rules leave alone', () => {
  it.each([
    ['src/domain/exclusion.ts', "import picomatch from 'picomatch';\nimport { isGuid } from './ids.ts';"],
    ['src/app/plan/plan.ts', "import { takeLease } from '../run-lease.ts';\nimport { x } from '../../domain/run.ts';"],
    ['src/composition.ts', "import { createLogger } from './system/logger.ts';"],
    ['src/system/clock.ts', 'const clock = { nowMs: () => Date.now() };'],
    ['src/config.ts', 'return { ...process.env };'],
    ['src/app/x.ts', '// Date.now() would be wrong here\nconst at = new Date(nowMs);'],
    ['src/app/x.ts', '/** Like `process.env`. */\nconst offset = 5; /* setTimeout */'],
    ['src/graph/x.ts', "const url = '/recoveryKeys?$select=id,createdDateTime,deviceId,volumeType';"],
    ['src/graph/x.ts', "const keys = select(rows, 'keyId');"],
    ['src/graph/escrow.ts', 'const key = revealRecoveryPassword(password);'],
    ['src/app/escrow/x.ts', "import type { RecoveryPassword } from '../../domain/recovery-password.ts';"],
  ])('in %s: %s', (file, source) => {
    expect(violationsOf(file, source)).toEqual([]);
  });

  it('texts that look like comments', () => {
    const source = "const a = 'https://x.example'; // gone\nconst b = `/* kept */`;";
    expect(withoutComments(source)).toBe("const a = 'https://x.example';        \nconst b = `/* kept */`;");
  });
});
