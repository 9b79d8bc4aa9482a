import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionalMember, parseBody } from './request-body.ts';

test('a body keeps its bytes, and says which model is asked and whether for a stream', () => {
  const bytes = Buffer.from('{ "model": "m",  "stream": true, "x": 1.0 }');
  const body = parseBody(bytes);
  assert.deepEqual([body.pieces.length, body.pieces[0]], [1, bytes]);
  assert.deepEqual([body.model, body.isStream], ['m', true]);
});

const WRONG: readonly (readonly [string, RegExp])[] = [
  ['{', /^the body is not valid JSON: /],
  ['', /^the body is not valid JSON: /],
  ['[1]', /^the body must be a JSON object, found a list$/],
  ['{}', /^'model' must be the name of a model, found nothing$/],
  ['{"model": 7}', /^'model' must be the name of a model, found 7$/],
  ['{"model": "m", "stream": "true"}', /^'stream' must be true or false, found "true"$/],
  ['{"model": "m", "stream": 1}', /^'stream' must be true or false, found 1$/],
];

for (const [text, message] of WRONG) {
  test(`refuses ${text === '' ? 'an empty body' : text}`, () => {
    assert.throws(() => parseBody(Buffer.from(text)), { code: 'INVALID_ARG', message });
  });
}

test('null is as good as nothing, and what objects have by nature is none of their members', () => {
  assert.equal(optionalMember({ stop: null }, 'stop'), undefined);
  assert.equal(optionalMember({}, 'toString'), undefined);
});

test('a body that is made has the bytes of its JSON', () => {
  const original = parseBody(Buffer.from('{"model":"m","stream":true}'));
  const made = original.translate(({ model = null }) => ({ model, messages: [] }));
  assert.equal(Buffer.concat(made.pieces).toString(), '{"model":"m","messages":[]}');
  assert.deepEqual([made.isStream, made.model, made.json], [true, 'm', { model: 'm', messages: [] }]);
});

test('a body that is made has the images of the one that it is made of', () => {
  const url = `data:image/png;base64,${'iVBO'.repeat(100_000)}`;
  const body = parseBody(Buffer.from(JSON.stringify({ model: 'm', input: url, user: 'u' })));
  const made = body.translate(({ model = null, input = null }) => ({ model, messages: [input] }));
  const expected = { model: 'm', messages: [url] };
  assert.equal(Buffer.concat(made.pieces).toString(), JSON.stringify(expected));
  assert.deepEqual(made.json, expected);
  const { input = null, user = null } = body.light;
  assert.deepEqual([body.isMissingIn({ input }), body.isMissingIn({ user })], [true, false]);
});

test('a text that only begins like an image may become part of another one', () => {
  const long = `data: ${'event '.repeat(60_000)}`;
  const body = parseBody(Buffer.from(JSON.stringify({ model: 'm', input: long })));
  for (const join of [(text: string) => `a: ${text}`, (text: string) => `${text}b`]) {
    const made = body.translate(({ model = null, input }) => ({ model, text: join(input as string) }));
    const expected = { model: 'm', text: join(long) };
    assert.deepEqual(JSON.parse(Buffer.concat(made.pieces).toString()), expected);
    assert.deepEqual(made.json, expected);
  }
});

test('of a large body images are left out until somebody asks for them', () => {
  const url = `data:image/png;base64,${'iVBO'.repeat(100_000)}`;
  const json = { model: 'm', stream: true, messages: [{ content: [{ image_url: { url } }] }] };
  const body = parseBody(Buffer.from(JSON.stringify(json)));
  assert.deepEqual([body.model, body.isStream], ['m', true]);
  assert.deepEqual(body.json, json);
});

test('an image that is no JSON is told to whoever asks for it', () => {
  const image = `data:image/png;base64,${'iVBO'.repeat(100_000)}\\x`;
  const body = parseBody(Buffer.from(`{"model":"m","image":"${image}"}`));
  assert.throws(() => body.json, { code: 'INVALID_ARG', message: /^the body is not valid JSON: / });
});
