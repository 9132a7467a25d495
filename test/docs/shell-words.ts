/** Splits a line of the shell into words, as far as documentation needs it. Pure. Layer: tests. */

/** A word of a line; quoting keeps blanks, and operators are words of their own. */
const WORD = /"((?:[^"\\]|\\.)*)"|'([^']*)'|(\|\||&&|\||;|>>?|<)|(#.*$)|((?:[^\s"'|;<>&\\]|\\.)+)/g;
const OPERATOR = /^(\|\||&&|\||;|>>?|<)$/;

/** The commands of a line, each as its words; redirections and comments are gone. */
export function commandsOf(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  let skip = false;
  for (const match of line.matchAll(WORD)) {
    const [whole, double, single, operator, comment] = match;
    if (comment !== undefined) break;
    if (operator !== undefined && OPERATOR.test(whole)) {
      skip = /^[<>]/.test(whole);
      if (!skip) commands.push([]);
    } else if (skip) skip = false;
    else commands.at(-1)?.push(double ?? single ?? whole);
  }
  return commands.filter((words) => words.length > 0);
}
