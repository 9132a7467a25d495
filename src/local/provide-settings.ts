/** Puts settings where the functions look for them: the environment of this process. Layer: local. */

/** Sets every one of them, replacing what was there. An empty value counts as unset. Do it before the functions are loaded. */
export function provideSettings(settings: Readonly<Record<string, string>>): void {
  Object.assign(process.env, settings);
}
