/** The one error of the command line: what was asked for cannot be meant. Layer: cli. */

/** The message says what was expected and what came, and is printed as it is. Ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
