/** Recovery passwords that open nothing, planted in answers so that a leak can be searched for; and how to see one in a URL. Layer: simulator. */
import { unescape as decoded } from 'node:querystring';

/** Served as `key` to whoever asks for key material (`$select=key`), which the rotation path never does. */
export const CANARY_RECOVERY_PASSWORD = '482515-135795-597531-366663-673574-108636-299002-345565';
/** With `plantSecrets`: in properties of ordinary answers where nobody expects one. */
export const CANARY_PLANTED_IN_DATA = '123453-490116-720885-000011-244442-611105-177980-634931';
/** With `plantSecrets`: inside error messages, Intune's nested JSON and a diagnostic header. */
export const CANARY_PLANTED_IN_ERRORS = '155562-190520-291027-396605-453541-560890-669097-704341';

/**
 * Search every log line, row, report and error for these. All are well-formed: eight groups of six digits, each divisible by 11 and
 * below 720,896. The form of a real recovery password, so that what looks for one finds it.
 */
export const CANARY_SECRETS: readonly string[] = [
  CANARY_RECOVERY_PASSWORD,
  CANARY_PLANTED_IN_DATA,
  CANARY_PLANTED_IN_ERRORS,
];

/** True when eight groups of six digits stand in the URL, however they are held together and escaped. */
export function holdsRecoveryPassword(url: string): boolean {
  return /\d{6}(?:[-+\s]?\d{6}){7}/.test(url.includes('%') ? decoded(url) : url);
}
