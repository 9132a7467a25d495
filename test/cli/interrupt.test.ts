import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createInterrupt } from '../../src/cli/interrupt.ts';

describe('an interrupt', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('asks to stop at the first %s and quits at the second', (signal) => {
    const source = new EventEmitter();
    const heard: string[] = [];
    const interrupt = createInterrupt(
      source,
      () => heard.push('first'),
      () => heard.push('second'),
    );
    expect(interrupt.signal.aborted).toBe(false);
    source.emit(signal);
    expect(interrupt.signal.aborted).toBe(true);
    source.emit('SIGINT');
    expect(heard).toEqual(['first', 'second']);
  });

  it('listens no more once disposed of', () => {
    const source = new EventEmitter();
    createInterrupt(
      source,
      () => undefined,
      () => undefined,
    ).dispose();
    expect(source.eventNames()).toEqual([]);
  });
});
