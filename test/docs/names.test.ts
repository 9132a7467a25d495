import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../../src/config-table.ts';
import { CONTAINERS, poisonQueueOf, QUEUES, TABLES } from '../../src/storage/names.ts';
import { anchors, PAGES, type Page, ROOT, readPage, shellLines } from './markdown.ts';

const read = (name: string) => readFileSync(path.join(ROOT, name), 'utf8');
const sources = globSync(
  ['{src,functions,bench,infra,.github}/**/*.{ts,bicep,bicepparam,yml,kql}', '{package,host}.json', 'azure.yaml'],
  { cwd: ROOT },
)
  .map(read)
  .join('\n');
const template = read('infra/main.bicep');
const bicep = globSync('infra/**/*.bicep', { cwd: ROOT }).map(read).join('\n');
const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };

/** What the shells of readers and the pages of vendors know; not ours to check. */
const FOREIGN = /^(NO_COLOR|NODE_EXTRA_CA_CERTS|(ALL|HTTP|NO)_PROXY$|Edm\.|AZURE_(LOCATION|RESOURCE_GROUP)$)/;

const each = PAGES.map((page) => [page.name, page] as const);

/** Inline code and the words of shell lines, without the variables a reader's shell fills in. */
function words(page: Page): readonly string[] {
  return [...page.inline, ...shellLines(page)]
    .map((code) => code.replace(/\$\{?\w+\}?/g, ''))
    .flatMap((code) => code.split(/[\s=,;:'"()$<>|{}]+/));
}

/** Names in inline code right behind one of these words: "table `A`", "tables `A`, `B` and `C`". */
function namesAfter(page: Page, word: string): readonly string[] {
  const pattern = new RegExp(`\\b${word}s?\\b:? ((?:\`[^\`]+\`(?:, | and |, and )?)+)`, 'gi');
  return [...page.prose.replace(/\s+/g, ' ').matchAll(pattern)].flatMap(([, list = '']) =>
    [...list.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
}

describe.each(each)('%s', (_name, page) => {
  it('names settings and variables that exist', () => {
    const names = words(page).filter((word) => /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/.test(word) && !FOREIGN.test(word));
    const settings = new Set<string>(SETTINGS.map(({ name }) => name));
    const assigned = new Set(shellLines(page).flatMap((line) => [...line.matchAll(/\b([A-Z_]+)=/g)].map(([, n]) => n)));
    const unknown = names.filter(
      (name) => !settings.has(name) && !assigned.has(name) && !new RegExp(`\\b${name}\\b`).test(sources),
    );
    expect(unknown).toEqual([]);
  });

  it('assigns in the shell only settings that exist, where they look like ours', () => {
    const ours = /^(ROTATION|GRAPH|CONFIRM|RECORD)_/;
    const assigned = shellLines(page).flatMap((line) =>
      [...line.matchAll(/\b([A-Z][A-Z_]+)=/g)].map(([, n = '']) => n),
    );
    const settings: readonly string[] = SETTINGS.map(({ name }) => name);
    expect(assigned.filter((name) => ours.test(name) && !settings.includes(name))).toEqual([]);
  });

  it.each([
    ['table', Object.values(TABLES)],
    ['queue', Object.values(QUEUES).flatMap((queue) => [queue, poisonQueueOf(queue), '*-poison'])],
    ['container', [...Object.values(CONTAINERS), 'deployment']],
  ] as const)('names every %s as it is called', (kind, known) => {
    const option = kind === 'container' ? /--container-name (\S+)/g : new RegExp(`--${kind}-name (\\S+)`, 'g');
    const given = shellLines(page).flatMap((line) => [...line.matchAll(option)].map(([, name = '']) => name));
    const named = [...given, ...namesAfter(page, kind)].filter((name) => /^[\w*-]+$/.test(name));
    const unknown = named.filter((name) => !name.startsWith('$') && !(known as readonly string[]).includes(name));
    expect(unknown).toEqual([]);
  });

  it('names Graph roles and Azure data roles that the code knows', () => {
    const graph = page.inline.filter((code) => /^[A-Za-z]+\.Read[A-Za-z]*\.All$/.test(code));
    expect(graph.filter((role) => !sources.includes(role))).toEqual([]);
    const azure = [...page.text.matchAll(/\bStorage (?:Blob|Queue|Table) Data(?: [A-Z][a-z]+)+/g)].map(
      ([role]) => role,
    );
    expect(azure.filter((role) => !bicep.includes(role))).toEqual([]);
  });

  it('names files that exist', () => {
    const own = /^(src|functions|test|infra|docs|bench|\.github|\.ci)\/[\w./*-]+$/;
    const files = words(page)
      .map((word) => word.replace(/[.`]$/, ''))
      .filter((word) => own.test(word));
    const missing = files.filter((file) =>
      file.includes('*') ? globSync(file, { cwd: ROOT }).length === 0 : !existsSync(path.join(ROOT, file)),
    );
    expect(missing).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const all = [...page.inline, ...shellLines(page)].join('\n');
    const named = [...all.matchAll(/\bnpm run (?:--\S+ )*([\w:-]+)/g)].map(([, name = '']) => name);
    const short = [...all.matchAll(/\bnpm (start|test)\b/g)].map(([, name = '']) => name);
    expect([...named, ...short].filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it('gives the templates parameters that they have', () => {
    const deployments = shellLines(page).filter((line) => /^az deployment .*\.bicep\b/.test(line));
    for (const line of deployments) {
      const file = / (?:-f|--template-file) (\S+)/.exec(line)?.[1] ?? '';
      const given = [...(line.split('--parameters ')[1] ?? '').matchAll(/\b([a-z]\w*)=/g)].map(([, name = '']) => name);
      expect(given.filter((name) => !new RegExp(`^param ${name} `, 'm').test(read(file)))).toEqual([]);
    }
  });

  it('links to pages and headings that exist', () => {
    const targets = [...page.prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const broken = targets.filter((target) => {
      if (/^(https?|mailto):/.test(target)) return false;
      const [file = '', anchor] = target.split('#');
      const name = file === '' ? page.name : path.posix.join(path.posix.dirname(page.name), file);
      if (!existsSync(path.join(ROOT, name))) return true;
      return anchor !== undefined && !anchors(readPage(name)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

describe('the pages about deploying, operating and security', () => {
  it.each(['deploy', 'operate', 'security'])('name only parameters of the template, where %s.md says so', (name) => {
    const { inline } = readPage(`docs/${name}.md`);
    const looksLikeOne = /^(report|rotation|request|action|graph|record|log|warn|unproven|throttled)[A-Z]\w+$/;
    const others = ['recordToGraph', 'rotationPending', 'requestId', 'requestedBy'];
    const unknown = inline.filter((code) => looksLikeOne.test(code) && !others.includes(code));
    expect(unknown.filter((code) => !new RegExp(`^param ${code} `, 'm').test(template))).toEqual([]);
  });

  it('are linked from the README', () => {
    const { text } = readPage('README.md');
    for (const name of ['deploy', 'operate', 'security']) expect(text).toContain(`](docs/${name}.md`);
  });
});
