import { describe, expect, it } from 'vitest';
import { type IdentityLibrary, lazyCredential } from '../../src/outbound/lazy-credential.ts';

const LIBRARY = {} as IdentityLibrary;

describe('a lazy credential', () => {
  it('loads the library and makes its credential at the first token, once, and hands every request on', async () => {
    const history: unknown[] = [];
    const credential = lazyCredential(
      (library) => {
        history.push(['made', library === LIBRARY]);
        return {
          getToken: (scopes, options) => {
            history.push([scopes, options]);
            return Promise.resolve({ token: 't', expiresOnTimestamp: 1 });
          },
        };
      },
      () => {
        history.push('loaded');
        return Promise.resolve(LIBRARY);
      },
    );
    expect(history).toEqual([]);
    const options = { tenantId: 'x' };
    const tokens = [credential.getToken('a', options), credential.getToken(['b'])];
    expect(await Promise.all(tokens)).toEqual(Array(2).fill({ token: 't', expiresOnTimestamp: 1 }));
    expect(history).toEqual(['loaded', ['made', true], ['a', options], [['b'], undefined]]);
  });

  it('says at every token what keeps the credential from being made', async () => {
    const fault = new Error('no such identity');
    const credential = lazyCredential(
      () => {
        throw fault;
      },
      () => Promise.resolve(LIBRARY),
    );
    await expect(credential.getToken('a')).rejects.toBe(fault);
    await expect(credential.getToken('a')).rejects.toBe(fault);
  });
});
