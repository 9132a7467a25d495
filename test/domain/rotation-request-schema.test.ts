import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTenantId } from '../../src/domain/ids.ts';
import { MOST_TARGETS } from '../../src/domain/request-fields.ts';
import { parseRotationRequest } from '../../src/domain/rotation-request.ts';
import { rotationRequestSchema } from '../../src/domain/rotation-request-schema.ts';
import { anyMessage, goodMessage } from '../support/request-messages.ts';

const tenantId = parseTenantId('7e570000-0000-4000-8000-00000000abcd');
const CASES = 20_000;

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
addFormats.default(ajv);
const isValid = ajv.compile(rotationRequestSchema());

const isAccepted = (message: unknown): boolean => 'ok' in parseRotationRequest(message, { tenantId });

/** The one thing a schema cannot know. */
function isOfAnotherTenant(message: unknown): boolean {
  if (typeof message !== 'object' || message === null || !Object.hasOwn(message, 'tenantId')) return false;
  const named = (message as { readonly tenantId: unknown }).tenantId;
  return typeof named === 'string' && named.toLowerCase() !== tenantId;
}

/** As the formatter leaves it: short lists on one line. */
function schemaText(): string {
  const text = JSON.stringify(rotationRequestSchema(), undefined, 2);
  return `${text.replace(/\[\s+("[^[\]{}]*?")\s+\]/g, (_, items: string) => `[${items.replace(/\s*\n\s*/g, ' ')}]`)}\n`;
}

describe('the JSON Schema of the on-demand message', () => {
  // To write it anew after a change of the table: npx vitest run test/domain/rotation-request-schema.test.ts --update
  it('in the repository is the one made of the table the parser reads', async () => {
    const file = path.join(import.meta.dirname, '../../docs/rotation-request.schema.json');
    await expect(schemaText()).toMatchFileSnapshot(file);
  });

  it('accepts what the parser accepts and nothing else', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyMessage(tenantId), (message) => {
        fc.pre(!isOfAnotherTenant(message));
        const verdict = isAccepted(message);
        if (verdict) accepted += 1;
        expect({ verdict, message }).toEqual({ verdict: isValid(message), message });
      }),
      { numRuns: CASES },
    );
    // Neither side of the law is empty.
    expect(accepted).toBeGreaterThan(CASES / 10);
    expect(accepted).toBeLessThan((CASES * 9) / 10);
  });

  it('accepts every good message, and so does the parser', () => {
    fc.assert(
      fc.property(goodMessage(tenantId), (message) => {
        expect([isValid(message), isAccepted(message)]).toEqual([true, true]);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [0, false],
    [1, true],
    [MOST_TARGETS, true],
    [MOST_TARGETS + 1, false],
  ])('agrees with the parser about %i targets', (count, expected) => {
    const targets = Array.from({ length: count }, (_, i) => ({ serialNumber: `S-${i}` }));
    expect([isValid({ targets }), isAccepted({ targets })]).toEqual([expected, expected]);
  });
});
