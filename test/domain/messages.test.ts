import { describe, expect, it } from 'vitest';
import { MessageError, parseContinuationMessage, parseSliceMessage } from '../../src/domain/messages.ts';

const TENANT = '11111111-1111-4222-8333-444455556666';
const RUN = '20261122-020000-1a2b3c4d';
const CONTINUATION = { tenantId: TENANT, runId: RUN, checkpoint: 3 };
const SLICE = { tenantId: TENANT, runId: RUN, sliceId: '0000120-0', look: 0 };

describe('internal messages', () => {
  it('survive the way over the queue', () => {
    expect(parseContinuationMessage(JSON.parse(JSON.stringify(CONTINUATION)))).toEqual(CONTINUATION);
    expect(parseSliceMessage(JSON.parse(JSON.stringify(SLICE)))).toEqual(SLICE);
  });

  it('carry ids and a number and nothing else', () => {
    expect(parseSliceMessage({ ...SLICE, deviceName: 'LT-00001', key: 'secret' })).toEqual(SLICE);
  });

  it.each([
    ['not an object', 'text', 'message must be a JSON object'],
    ['nothing', null, 'message must be a JSON object'],
    ['a list', [CONTINUATION], 'message must be a JSON object'],
    ['no tenant', { ...CONTINUATION, tenantId: undefined }, 'tenant id must be a GUID, got nothing'],
    ['a strange run', { ...CONTINUATION, runId: '../x' }, 'run id must be'],
    [
      'no checkpoint',
      { ...CONTINUATION, checkpoint: undefined },
      'checkpoint must be a whole number from 0, got nothing',
    ],
    ['a checkpoint in words', { ...CONTINUATION, checkpoint: '3' }, 'got "3"'],
    ['a checkpoint below 0', { ...CONTINUATION, checkpoint: -1 }, 'got -1'],
    ['half a checkpoint', { ...CONTINUATION, checkpoint: 1.5 }, 'got 1.5'],
    ['a checkpoint beyond counting', { ...CONTINUATION, checkpoint: 2 ** 53 }, 'checkpoint must be a whole number'],
  ])('that continue a run are refused with %s', (_what, body, message) => {
    expect(() => parseContinuationMessage(body)).toThrow(MessageError);
    expect(() => parseContinuationMessage(body)).toThrow(message);
  });

  it.each([
    ['a strange slice', { ...SLICE, sliceId: '120' }, 'slice id must look like'],
    ['no look', { ...SLICE, look: undefined }, 'look must be a whole number from 0, got nothing'],
    ['a look below 0', { ...SLICE, look: -1 }, 'got -1'],
  ])('about a slice are refused with %s', (_what, body, message) => {
    expect(() => parseSliceMessage(body)).toThrow(MessageError);
    expect(() => parseSliceMessage(body)).toThrow(message);
  });

  it('keep what was wrong as the cause', () => {
    try {
      parseSliceMessage({ ...SLICE, tenantId: 'contoso' });
      expect.unreachable();
    } catch (error) {
      expect((error as MessageError).cause).toBeInstanceOf(TypeError);
    }
  });
});
