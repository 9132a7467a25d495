/** Reads the documentation as people do: its files, code blocks, inline code, tables and headings. Layer: tests. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The checkout. */
export const ROOT = path.join(import.meta.dirname, '../..');

export interface Page {
  /** Relative to the checkout, with forward slashes. */
  readonly name: string;
  readonly text: string;
  readonly blocks: readonly { readonly language: string; readonly body: string }[];
  /** Outside of blocks, without the backticks. */
  readonly inline: readonly string[];
  /** Outside of blocks. */
  readonly prose: string;
}

/** Opened and closed by three backticks, which may be indented. */
const BLOCK = /^( *)```(\w*)\n([\s\S]*?)^\1```$/gm;

/** @param name relative to the checkout. */
export function readPage(name: string): Page {
  const text = readFileSync(path.join(ROOT, name), 'utf8');
  const blocks = [...text.matchAll(BLOCK)].map(([, indent = '', language = '', body = '']) => ({
    language,
    body: body
      .split('\n')
      .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
      .join('\n'),
  }));
  const prose = text.replace(BLOCK, '');
  const inline = [...prose.matchAll(/(?<!`)`([^`]+)`(?!`)/g)].map(([, code = '']) => code.replace(/\s+/g, ' '));
  return { name, text, blocks, inline, prose };
}

/** Everything people read: the README and all of docs. */
export const PAGES: readonly Page[] = [
  'README.md',
  ...readdirSync(path.join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
].map(readPage);

/** What stands in blocks of the shell, a command a line: comments gone, continued lines joined. */
export function shellLines(page: Page): readonly string[] {
  return page.blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ body }) => body.replace(/\\\n\s*/g, ' ').split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** The cells of the first table below a heading, without the row of headings. @throws {Error} when there is none. */
export function tableBelow(page: Page, heading: string): readonly (readonly string[])[] {
  const after = page.text.split(new RegExp(`^#+ ${heading}$`, 'm'))[1]?.split(/^#+ /m)[0] ?? '';
  const rows = (/(?:^\|.*\n)+/m.exec(after)?.[0] ?? '').split('\n').filter((line) => line !== '');
  if (rows.length < 3) throw new Error(`${page.name} has no table below "${heading}"`);
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** A heading's anchor, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

export function anchors(page: Page): readonly string[] {
  return [...page.text.replace(BLOCK, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
}
