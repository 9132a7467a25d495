/** Takes what may be a recovery password out of texts that quote the command line. Pure. Layer: cli. */

/** A dozen digits or more, however they are held together: also what was left of a password that is mistyped or cut short. */
const DIGITS = /\d(?:[\s,-]*\d){11,}/g;

/** `text` with every long run of digits replaced. Ids that are nothing but digits go as well: better one too many. */
export function withoutDigits(text: string): string {
  return text.replace(DIGITS, '[not shown]');
}
