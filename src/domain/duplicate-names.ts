/** Finds properties that a JSON text gives twice, which no parsed value can tell any more. Pure. Layer: domain. */
import { quoted } from './shown.ts';

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;
/** Chosen: below it a message has nothing that anybody reads. */
const DEEPEST = 3;

/** A list or object that is being read. */
interface Level {
  /** Of an object: its names so far. */
  readonly names: Set<string> | undefined;
  /** Of a list: the index of the next item. */
  index: number;
  /** The name of the property that is being read. */
  name: string;
}

/**
 * One problem for each property that is there twice, with its place: `targets[3]: "deviceName" is there twice`. `JSON.parse` keeps the last
 * one, so that `targets` given twice would rotate half of what was asked. `text` must be JSON. Deeper than a target nothing is looked at.
 */
export function duplicateNames(text: string): readonly string[] {
  const problems = new Set<string>();
  const levels: Level[] = [];
  let last = '';
  for (const [token] of text.matchAll(TOKENS)) {
    const level = levels.at(-1);
    if (token === '{' || token === '[') {
      levels.push({ names: token === '{' ? new Set() : undefined, index: 0, name: '' });
    } else if (token === '}' || token === ']') levels.pop();
    else if (level !== undefined && token === ',') level.index += 1;
    else if (level?.names !== undefined && token === ':') {
      level.name = JSON.parse(last) as string;
      if (level.names.has(level.name) && levels.length <= DEEPEST) problems.add(problemAt(levels, level.name));
      level.names.add(level.name);
    }
    last = token;
  }
  return [...problems];
}

function problemAt(levels: readonly Level[], name: string): string {
  const place = levels
    .slice(0, -1)
    .map((level) => (level.names === undefined ? `[${level.index}]` : level.name))
    .join('');
  return `${place === '' ? '' : `${place}: `}${quoted(name)} is there twice`;
}
