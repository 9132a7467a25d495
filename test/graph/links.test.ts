import { describe, expect, it } from 'vitest';
import { GraphError } from '../../src/domain/graph-error.ts';
import { createLinks } from '../../src/graph/links.ts';
import { GRAPH_ROOT } from './fakes.ts';

const context = { operation: 'managedDevices', graphRoot: GRAPH_ROOT } as const;
const links = createLinks(GRAPH_ROOT, 'v1.0');

describe('createLinks', () => {
  it('keeps path and query without the host, and finds the way back', () => {
    const link = `${GRAPH_ROOT}/v1.0/deviceManagement/managedDevices?$skiptoken=a%20b&x=%2F`;
    const next = links.toNext(link, context);
    expect(next).toBe('deviceManagement/managedDevices?$skiptoken=a%20b&x=%2F');
    expect(links.toUrl(next, context)).toBe(link);
  });

  it('works below a custom endpoint on loopback', () => {
    const local = createLinks('http://127.0.0.1:8080', 'v1.0');
    expect(local.toNext('http://127.0.0.1:8080/v1.0/x?$skip=1', context)).toBe('x?$skip=1');
    expect(() => local.toNext('http://127.0.0.1:8081/v1.0/x', context)).toThrow(GraphError);
  });

  it.each([
    ['another host', 'https://evil.example/v1.0/deviceManagement/managedDevices'],
    ['a look-alike host', 'https://graph.microsoft.com.evil.example/v1.0/x'],
    ['a user in front of another host', 'https://graph.microsoft.com@evil.example/v1.0/x'],
    ['a user', 'https://user:pw@graph.microsoft.com/v1.0/x'],
    ['another port', 'https://graph.microsoft.com:8443/v1.0/x'],
    ['plain http', 'http://graph.microsoft.com/v1.0/x'],
    ['another version', 'https://graph.microsoft.com/beta/x'],
    ['dots that leave the version', 'https://graph.microsoft.com/v1.0/../beta/x'],
    ['encoded dots that leave the version', 'https://graph.microsoft.com/v1.0/%2e%2e/beta/x'],
    ['encoded slashes', 'https://graph.microsoft.com/v1.0/..%2fbeta/x'],
    ['a version that only starts the same', 'https://graph.microsoft.com/v1.0x/y'],
    ['a relative link', '/v1.0/deviceManagement/managedDevices'],
    ['no URL at all', 'next page please'],
  ])('refuses %s', (_name, link) => {
    const attempt = () => links.toNext(link, context);
    expect(attempt).toThrow(expect.objectContaining({ kind: 'untrustedLink' }));
    // Links may hold tokens of their own.
    expect(attempt).not.toThrow(/evil|pw|skip/);
  });

  it.each(['../beta/x', '%2e%2e/beta/x', '..%2fbeta', '\\..\\..\\beta'])('refuses the stored place %j', (next) => {
    expect(() => links.toUrl(next, context)).toThrow(expect.objectContaining({ kind: 'untrustedLink' }));
  });

  it('never leaves the host for a stored place that looks like a host', () => {
    expect(new URL(links.toUrl('//evil.example/x', context)).origin).toBe(GRAPH_ROOT);
    expect(new URL(links.toUrl('https://evil.example/x', context)).origin).toBe(GRAPH_ROOT);
  });
});
