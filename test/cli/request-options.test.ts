import { describe, expect, it } from 'vitest';
import { failingScript } from '../../src/cli/request-options.ts';

describe('--failing', () => {
  it.each([
    ['health:A', { property: 'deviceHealthScriptId', scriptId: 'A' }],
    ['management:A:1', { property: 'deviceManagementScriptId', scriptId: 'A:1' }],
    ['compliance:a b', { property: 'deviceComplianceScriptId', scriptId: 'a b' }],
  ])('%s is a script, added to those before', (text, script) => {
    const before = { property: 'deviceHealthScriptId', scriptId: 'B' } as const;
    expect(failingScript(text)).toEqual([script]);
    expect(failingScript(text, [before])).toEqual([before, script]);
  });

  it.each(['', 'health', 'health:', ':A', 'Health:A', 'deviceHealthScript:A', 'constructor:A'])(
    '%j is none',
    (text) => {
      expect(() => failingScript(text)).toThrow('health:ID, management:ID or compliance:ID');
    },
  );
});
