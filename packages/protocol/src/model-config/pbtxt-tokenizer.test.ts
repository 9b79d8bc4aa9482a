import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSource, positionAt } from './pbtxt-source.ts';
import { PbtxtTokens, showToken } from './pbtxt-tokenizer.ts';

function tokensOf(text: string): string[] {
  const tokens = new PbtxtTokens(createSource(text, 'f'));
  const all: string[] = [];
  while (tokens.next.kind !== 'end') {
    const { kind, text: word } = tokens.take();
    all.push(`${kind} ${word}`);
  }
  return all;
}

test('splits a text into names, numbers, strings and symbols', () => {
  assert.deepEqual(tokensOf('dims: [ 1, -2.5 ] name:"a b" x{}'), [
    'identifier dims',
    'symbol :',
    'symbol [',
    'integer 1',
    'symbol ,',
    'symbol -',
    'float 2.5',
    'symbol ]',
    'identifier name',
    'symbol :',
    'string "a b"',
    'identifier x',
    'symbol {',
    'symbol }',
  ]);
});

test('skips white space, comments and a byte order mark', () => {
  assert.deepEqual(tokensOf('\uFEFF# a "comment\r\n\t\f\va # to the end'), ['identifier a']);
});

for (const integer of ['0', '42', '0x1F', '0Xff', '017']) {
  test(`${integer} is an integer`, () => assert.deepEqual(tokensOf(integer), [`integer ${integer}`]));
}

for (const float of ['1.', '.5', '1.5', '1e3', '1E-3', '1.f', '10f', '2.5F']) {
  test(`${float} is a float`, () => assert.deepEqual(tokensOf(float), [`float ${float}`]));
}

for (const wrong of ['12abc', '1.2.3', '0x', '1e', '0xfg']) {
  test(`${wrong} is no number`, () => {
    assert.throws(() => tokensOf(wrong), { message: `f:1:1: expected a number, found '${wrong}'` });
  });
}

test('quotes of one kind may stand between those of the other', () => {
  assert.deepEqual(tokensOf(`'a"b' "c'd" "e\\"f"`), [`string 'a"b'`, `string "c'd"`, `string "e\\"f"`]);
});

for (const open of ['"abc', '"abc\n"', "'a\\'", '"\\']) {
  test(`${JSON.stringify(open)} is a string without an end`, () => {
    assert.throws(
      () => tokensOf(open),
      /^InferenceServerError: f:1:1: the string that starts here has no closing/,
    );
  });
}

test('the end comes again and again', () => {
  const tokens = new PbtxtTokens(createSource('', 'f'));
  assert.equal(tokens.take().kind, 'end');
  assert.equal(tokens.take().kind, 'end');
});

test('long words are cut in messages', () => {
  const tokens = new PbtxtTokens(createSource('a'.repeat(100), 'f'));
  assert.equal(showToken(tokens.next), `'${'a'.repeat(60)}…'`);
});

test('positions count lines and columns from 1', () => {
  const source = createSource('ab\n\ncd', 'f');
  const places = [0, 2, 3, 4, 5, 6].map((offset) => positionAt(source, offset));
  assert.deepEqual(
    places.map(({ line, column }) => `${line}:${column}`),
    ['1:1', '1:3', '2:1', '3:1', '3:2', '3:3'],
  );
});
