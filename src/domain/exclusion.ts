/** Which devices the settings exclude, by id or by name. Pure. Layer: domain. */
import picomatch from 'picomatch';
import { isGuid } from './ids.ts';
import type { ManagedDevice } from './managed-device.ts';

/** Everything but `*`, `?` and `[…]` stands for itself: parentheses, plus and dollar signs occur in device names. */
function toGlob(pattern: string): string {
  return pattern.replace(/[(){}|+@!$^\\/]/g, '\\$&');
}

function matcherOf(pattern: string): (name: string) => boolean {
  return picomatch(toGlob(pattern), {
    nocase: true,
    dot: true,
    nobrace: true,
    noextglob: true,
    nonegate: true,
    noglobstar: true,
    strictBrackets: true,
    windows: false,
    // Throw for what makes no regular expression, instead of matching nothing.
    debug: true,
  });
}

/** False for what its author would expect to mean more than we understand: braces, a leading `!`, an open `[`. */
export function isExclusionPattern(pattern: string): boolean {
  if (pattern === '' || /[{}]/.test(pattern) || pattern.startsWith('!')) return false;
  if (/\[[^\]]*$|^[^[]*\]|\[\]/.test(pattern)) return false;
  try {
    matcherOf(pattern);
    return true;
  } catch {
    // picomatch and the regular expression it makes throw for what they cannot read; the caller names the rule and the value.
    return false;
  }
}

/**
 * A predicate that is true for a device whose managed device id is listed or whose name matches a glob, in any letter case.
 * @param exclude managed device ids (lower case) and patterns that `isExclusionPattern` accepts.
 */
export function createExclusion(
  exclude: readonly string[],
): (device: Pick<ManagedDevice, 'managedDeviceId' | 'deviceName'>) => boolean {
  const ids = new Set(exclude.filter(isGuid));
  const matchers = exclude.filter((entry) => !isGuid(entry)).map(matcherOf);
  return (device) => ids.has(device.managedDeviceId) || matchers.some((matches) => matches(device.deviceName));
}
