import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InferenceServerError } from '../inference-server-error.ts';
import { JsonDouble, parseJson } from './parse-json.ts';

const exactly = (text: string): unknown => parseJson(text, { exact: true });

function problemOf(text: string): string {
  try {
    parseJson(text);
  } catch (error) {
    assert.ok(InferenceServerError.is(error));
    assert.equal(error.code, 'INTERNAL');
    return error.message.replace('failed to parse the request JSON buffer: ', '');
  }
  return 'no error';
}

test('errors say what is wrong and where', () => {
  const problems: Record<string, string> = {
    '': 'The document is empty. at 0',
    '  ': 'The document is empty. at 2',
    hello: 'Invalid value. at 0',
    '{"inputs": [': 'Invalid value. at 12',
    '{': 'Missing a name for object member. at 1',
    '{"a":1,}': 'Missing a name for object member. at 7',
    '{"a" 1}': 'Missing a colon after a name of object member. at 5',
    '{"a":1 "b"': 'Missing a comma or } after an object member. at 7',
    '[1 2]': 'Missing a comma or ] after an array element. at 3',
    '[1,]': 'Invalid value. at 3',
    '{}x': 'The document root must not be followed by other values. at 2',
    '"ab': 'Missing a closing quotation mark in string. at 3',
    '"a\nb"': 'Invalid encoding in string. at 2',
    '"\\x"': 'Invalid escape character in string. at 1',
    '"\\': 'Invalid escape character in string. at 1',
    '"\\u12g4"': 'Incorrect hex digit after \\u escape in string. at 1',
    '1.': 'Miss fraction part in number. at 2',
    '1e+': 'Miss exponent in number. at 3',
    '01': 'The document root must not be followed by other values. at 1',
    '-': 'Invalid value. at 1',
    tru: 'Invalid value. at 3',
    Nope: 'Invalid value. at 1',
  };
  for (const [text, problem] of Object.entries(problems)) assert.equal(problemOf(text), problem, text);
});

test('the offset counts bytes', () => {
  assert.equal(problemOf('["ü" x'), 'Missing a comma or ] after an array element. at 6');
});

test('bare NaN and Infinity are numbers', () => {
  assert.deepEqual(parseJson('[NaN, Inf,Infinity,-Inf, -Infinity,1.5]'), [
    NaN,
    Infinity,
    Infinity,
    -Infinity,
    -Infinity,
    1.5,
  ]);
});

test('a byte order mark is skipped', () => {
  assert.deepEqual(parseJson('\uFEFF{"a":1}'), { a: 1 });
});

test('exact mode keeps integers that a double cannot hold', () => {
  assert.deepEqual(exactly('[9007199254740993,-9223372036854775808,18446744073709551615,7]'), [
    9007199254740993n,
    -9223372036854775808n,
    18446744073709551615n,
    7,
  ]);
});

test('exact mode tells 1.0 from 1', () => {
  assert.deepEqual(exactly('[1,1.0,2e3,1.5]'), [1, new JsonDouble(1), new JsonDouble(2000), 1.5]);
});

test('an integer of too many digits is a double', () => {
  assert.deepEqual(exactly('123456789012345678901'), new JsonDouble(Number('123456789012345678901')));
});

test('a member may be called __proto__', () => {
  const value = exactly('{"__proto__":1}');
  assert.deepEqual(Object.keys(value as object), ['__proto__']);
});

test('too deep nesting is refused', () => {
  assert.throws(
    () => exactly('['.repeat(5000) + ']'.repeat(5000)),
    (error) => InferenceServerError.is(error) && error.code === 'INVALID_ARG',
  );
});

test('reads what JSON.stringify writes', () => {
  const unexact = (value: unknown): unknown =>
    value instanceof JsonDouble
      ? value.value
      : typeof value === 'bigint'
        ? Number(value)
        : Array.isArray(value)
          ? value.map(unexact)
          : typeof value === 'object' && value !== null
            ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, unexact(member)]))
            : value;
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(0, 2), (json, indent) => {
      const text = JSON.stringify(JSON.parse(json), undefined, indent);
      assert.deepEqual(unexact(exactly(text)), JSON.parse(text));
    }),
  );
});

test('refuses what JSON.parse refuses, bare numbers aside, and never crashes', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\un019.eE-+ tfal') }), (text) => {
      let accepted = true;
      try {
        JSON.parse(text);
      } catch {
        accepted = false;
      }
      assert.equal(problemOf(text) === 'no error', accepted, text);
    }),
    { numRuns: 2000 },
  );
});
