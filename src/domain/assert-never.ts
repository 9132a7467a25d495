/** Ends a `switch` over a closed union: a forgotten member is a compile error, an impossible value a thrown one. Layer: domain. */
export function assertNever(value: never, what: string): never {
  throw new TypeError(`unexpected ${what}: ${JSON.stringify(value)}`);
}
