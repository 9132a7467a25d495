import { describe, expect, it } from 'vitest';
import type { GrantedRole, GrantOutcome, GrantReport } from '../../../src/app/grant-roles.ts';
import { grantLines } from '../../../src/cli/render/grant-lines.ts';
import { width } from '../../../src/cli/render/text.ts';
import { PLAIN } from '../samples.ts';

const role = (outcome: GrantOutcome, change: Partial<GrantedRole> = {}): GrantedRole => ({
  role: 'BitlockerKey.ReadBasic.All',
  roleId: 'f690d423-6b29-4d04-98c6-694c42282419',
  outcome,
  reasons: ['read recovery-key metadata', 'something else'],
  ...change,
});

function report(change: Partial<GrantReport> = {}): GrantReport {
  return {
    principal: {
      id: '11111111-0000-4000-8000-000000000001',
      appId: '22222222-0000-4000-8000-000000000002',
      displayName: 'keyturn-id',
      type: 'ManagedIdentity',
    },
    mode: 'really',
    roles: [role('assigned')],
    spare: [],
    ok: true,
    ...change,
  };
}

const text = (one: GrantReport, columns = 400) => grantLines(one, PLAIN, columns).join('\n');

describe('grantLines', () => {
  it('says to whom, what was done and why, and ends with the cache and the doctor', () => {
    expect(grantLines(report(), PLAIN, 400)).toEqual([
      'keyturn-id: managed identity, object id 11111111-0000-4000-8000-000000000001, application id 22222222-0000-4000-8000-000000000002',
      '',
      'assigned  BitlockerKey.ReadBasic.All',
      '  to read recovery-key metadata, something else',
      '',
      expect.stringContaining('cached by Azure for up to 24 hours'),
      '`npx keyturn doctor` shows what the token carries.',
    ]);
  });

  it.each<[GrantOutcome, Partial<GrantedRole>, RegExp]>([
    ['already', {}, /already there {2}Bitlocker/],
    ['notOffered', {}, /not offered[\s\S]*role f690d423-.*check GRAPH_CLOUD/],
    ['refused', { httpStatus: 418, requestId: 'r-1' }, /refused[\s\S]*answered 418 \(request r-1\)/],
    ['unknown', {}, /not known[\s\S]*run the command again, it looks first/],
    ['notReached', {}, /not reached/],
  ])('explains %s', (outcome, change, expected) => {
    expect(text(report({ roles: [role(outcome, change)], ok: outcome === 'already' }))).toMatch(expected);
  });

  it('does not promise a token when not every role is there', () => {
    const shown = text(report({ roles: [role('refused')], ok: false }));
    expect(shown).toContain('Not every role is there');
    expect(shown).not.toContain('24 hours');
  });

  it('after a dry run says how to do it', () => {
    const shown = text(report({ mode: 'dryRun', roles: [role('wouldAssign')] }));
    expect(shown).toMatch(/^Nothing is changed \(--dry-run\)/);
    expect(shown).toContain('would be assigned');
    expect(shown).toContain('Run it without --dry-run');
    expect(shown).not.toContain('24 hours');
  });

  it('without permission says plainly who may, with the page it is from, and what was done', () => {
    const roles = [role('assigned'), role('notReached')];
    const stopped = { because: 'forbidden', message: 'assigning was refused (403)' } as const;
    const { principal: _principal, ...unknown } = report({ roles, ok: false, stopped });
    const shown = text(unknown);
    for (const words of [
      'assigned  Bitlocker',
      'Privileged Role Administrator (or Global Administrator)',
      'AppRoleAssignment.ReadWrite.All and Application.Read.All',
      'learn.microsoft.com',
    ]) {
      expect(shown).toContain(words);
    }
  });

  it('stopped by something else says to run it again', () => {
    const stopped = { because: 'unavailable', message: 'Graph had no time for it' } as const;
    expect(text(report({ ok: false, stopped }))).toMatch(/Stopped: Graph had no time for it\.\nRun the command again/);
  });

  it('warns of roles nobody asked for, and what they can do', () => {
    const spare = [
      { role: 'BitlockerKey.Read.All', danger: 'read every recovery password' },
      { role: 'User.Read.All' },
    ];
    expect(text(report({ spare }))).toMatch(
      /warning: it has 2 roles that Keyturn does not need: BitlockerKey\.Read\.All \(can read every recovery password\); User\.Read\.All\. Take away/,
    );
  });

  it('keeps to the width', () => {
    const spare = [{ role: 'BitlockerKey.Read.All', danger: 'read every recovery password' }];
    for (const line of grantLines(report({ spare }), PLAIN, 60)) expect(width(line)).toBeLessThanOrEqual(60);
  });
});
