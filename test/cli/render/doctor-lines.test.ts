import { describe, expect, it } from 'vitest';
import type { Check } from '../../../src/app/doctor/check.ts';
import { doctorLines } from '../../../src/cli/render/doctor-lines.ts';
import { createStyle } from '../../../src/cli/render/style.ts';
import { width } from '../../../src/cli/render/text.ts';
import { PLAIN } from '../samples.ts';

const CHECKS: readonly Check[] = [
  { name: 'settings', status: 'ok', message: 'all of them are right' },
  { name: 'mode', status: 'warn', message: 'ROTATION_MODE is dryRun', action: 'set it to live' },
  {
    name: 'roles',
    status: 'fail',
    message: 'the token lacks one role and then some more words that do not fit',
    action: 'grant it with a command that does not fit into one line either',
  },
  { name: 'encryptionStates', status: 'skipped', message: 'not looked at' },
];

describe('doctorLines', () => {
  it('shows status, name, message, and what to do next', () => {
    expect(doctorLines({ checks: CHECKS, ok: false }, PLAIN, 70)).toEqual([
      'ok    settings          all of them are right',
      'warn  mode              ROTATION_MODE is dryRun',
      '                        → set it to live',
      'fail  roles             the token lacks one role and then some more',
      '                        words that do not fit',
      '                        → grant it with a command that does not fit',
      '                          into one line either',
      'skip  encryptionStates  not looked at',
      '',
      '1 check failed, 1 warning, 1 not looked at.',
    ]);
  });

  it('says so when nothing failed', () => {
    const checks = CHECKS.slice(0, 1);
    expect(doctorLines({ checks, ok: true }, PLAIN, 70).at(-1)).toBe('Nothing failed.');
  });

  it('keeps to the width, coloured or not, and says the same', () => {
    const coloured = doctorLines({ checks: CHECKS, ok: false }, createStyle(true), 70);
    const plain = doctorLines({ checks: CHECKS, ok: false }, PLAIN, 70);
    expect(coloured.map(width)).toEqual(plain.map(width));
    expect(coloured.join('')).toContain('\u001b');
    for (const line of plain) expect(width(line)).toBeLessThanOrEqual(70);
  });
});
