import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duplicateNames } from '../../src/domain/duplicate-names.ts';

describe('properties that are given twice', () => {
  it.each([
    ['{"targets":[],"targets":[]}', ['"targets" is there twice']],
    ['{ "a" : 1 , "\\u0061" : 2, "a": 3 }', ['"a" is there twice']],
    ['{"targets":[{"a":1},{"b":[1,2],"a":"}","b":2}]}', ['targets[1]: "b" is there twice']],
    ['{"x":{"y":1,"y":2}}', ['x: "y" is there twice']],
    ['[{"a":1,"a":2}]', ['[0]: "a" is there twice']],
    ['{"__proto__":1,"__proto__":2}', ['"__proto__" is there twice']],
    ['{"a":"b","b":"a","c":"a:","d":[",","a"]}', []],
    ['{"a":"\\"a\\":1,\\"a\\"","b":"\\\\"}', []],
    ['{"a":{"a":{"a":1}}}', []],
    ['[1,1,"a","a"]', []],
    ['"a"', []],
    ['7', []],
  ])('in %s: %j', (text, problems) => {
    JSON.parse(text);
    expect(duplicateNames(text)).toEqual(problems);
  });

  it('are none in what JSON.stringify writes, and one for each that is added', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { minKeys: 1 }), (object) => {
        const text = JSON.stringify(object);
        expect(duplicateNames(text)).toEqual([]);
        expect(duplicateNames(JSON.stringify(object, undefined, 2))).toEqual([]);
        const [name] = Object.keys(object);
        expect(duplicateNames(`${text.slice(0, -1)},${JSON.stringify(name)}:0}`)).toHaveLength(1);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are looked for at any depth of nesting without running out of stack', () => {
    expect(duplicateNames(`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)},"a":1}`)).toEqual(['"a" is there twice']);
  });
});
