import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { CliContext } from '../../src/cli/context.ts';
import { createProgram } from '../../src/cli/program.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { createMachine } from '../../src/composition-machine.ts';
import { PAGES, type Page, readPage, shellLines } from './markdown.ts';
import { commandsOf } from './shell-words.ts';

/** Stands for what the reader's shell puts in place of a variable. */
const SOME_ID = '00000000-0000-4000-8000-00000000000a';

/** The real grammar, whose commands only note that they were understood. */
function createGrammar(): { readonly root: Command; readonly understood: readonly string[] } {
  const nowhere = { write: () => true };
  const context: CliContext = {
    environment: {},
    terminal: createTerminal({ out: nowhere, err: nowhere }, {}),
    input: () => process.stdin,
    machine: createMachine(),
    directory: '/',
    stopping: new AbortController().signal,
  };
  const root = createProgram(context, () => Promise.resolve());
  const understood: string[] = [];
  const tame = (command: Command): void => {
    if (command.commands.length === 0) command.action(() => void understood.push(command.name()));
    command.commands.forEach(tame);
  };
  tame(root);
  return { root, understood };
}

/** The words behind `keyturn`, of every command of a line that is ours. */
function argumentsIn(line: string): readonly (readonly string[])[] {
  return commandsOf(line).flatMap((words) => {
    const at = words[0] === 'npx' ? 1 : 0;
    return words[at] === 'keyturn' ? [words.slice(at + 1).map((word) => word.replace(/\$\{?\w+\}?/g, SOME_ID))] : [];
  });
}

function lines(page: Page): readonly (readonly [page: string, line: string])[] {
  return shellLines(page)
    .filter((line) => argumentsIn(line).length > 0)
    .map((line) => [page.name, line]);
}

/** As people write it in a sentence: `…` and upper-case words stand for something. */
function sentences(page: Page): readonly (readonly [page: string, code: string])[] {
  return page.inline.filter((code) => /^(npx )?keyturn [a-z]/.test(code)).map((code) => [page.name, code]);
}

describe('a command of the documentation', () => {
  it.each(PAGES.flatMap(lines))('of %s is understood: %s', async (_page, line) => {
    for (const given of argumentsIn(line)) {
      const { root, understood } = createGrammar();
      await root.parseAsync([...given], { from: 'user' });
      expect(understood).toHaveLength(1);
    }
  });

  it.each(PAGES.flatMap(sentences))('named in %s exists with its options: %s', (_page, code) => {
    const [words = []] = argumentsIn(code);
    let command = createGrammar().root;
    for (const word of words) {
      const child = command.commands.find((one) => one.name() === word);
      if (child === undefined) break;
      command = child;
    }
    expect(command.parent, 'a command').not.toBeNull();
    const options = words.filter((word) => word.startsWith('--')).map((word) => word.replace(/=.*/, ''));
    const known = ['--help', ...command.options.map(({ long }) => long)];
    expect(known).toEqual(expect.arrayContaining(options));
  });
});

describe('the pages about deploying and operating', () => {
  it.each([
    ['docs/deploy.md', ['grant', 'doctor', 'status']],
    ['docs/operate.md', ['status', 'requeue']],
  ])('%s shows commands in blocks that are checked', (name, expected) => {
    const shown = shellLines(readPage(name)).flatMap(argumentsIn);
    expect(shown.map(([command]) => command)).toEqual(expect.arrayContaining(expected));
  });
});

describe('the check itself', () => {
  it.each([['status --nothing'], ['nothing'], ['grant'], ['run --device not-an-id']])('refuses %s', async (given) => {
    const { root, understood } = createGrammar();
    await expect(root.parseAsync(given.split(' '), { from: 'user' })).rejects.toThrow();
    expect(understood).toEqual([]);
  });

  it('finds a command behind an assignment, a pipe or a quoted text with blanks', () => {
    expect(argumentsIn('npx keyturn request --name A --reason "a b" | jq . # keyturn plan')).toEqual([
      ['request', '--name', 'A', '--reason', 'a b'],
    ]);
    expect(argumentsIn('cat keys.csv | keyturn escrow add --csv < keys.csv')).toEqual([['escrow', 'add', '--csv']]);
    expect(argumentsIn('npx keyturn grant --principal "$ID"')).toEqual([['grant', '--principal', SOME_ID]]);
  });
});
