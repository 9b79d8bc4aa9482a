import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renameModel } from './model-rename.ts';

for (const [title, body, expected] of [
  [
    'the value alone',
    '{"model":"a","seed":12345678901234567890}',
    '{"model":"b","seed":12345678901234567890}',
  ],
  ['with white space', '{ "model" :\n "a" , "n": 1.0}', '{ "model" :\n "b" , "n": 1.0}'],
  [
    'behind nested ones',
    '{"x":[{"model":"no"}],"y":{"model":"no"},"model":"a"}',
    '{"x":[{"model":"no"}],"y":{"model":"no"},"model":"b"}',
  ],
  [
    'behind texts with quotes',
    '{"prompt":"\\\\\\"model\\": {[\\\\","model":"a"}',
    '{"prompt":"\\\\\\"model\\": {[\\\\","model":"b"}',
  ],
  ['a text that is "model"', '{"prompt":"model","model":"a"}', '{"prompt":"model","model":"b"}'],
  ['each of several: engines take the last', '{"model":"a","model":"c"}', '{"model":"b","model":"b"}'],
  ['a name with escapes', '{"mod\\u0065l":"a","n":1}', '{"mod\\u0065l":"b","n":1}'],
  ['behind one that is no text', '{"model":5,"model":"a"}', '{"model":5,"model":"b"}'],
  ['where there is none', '{"prompt":"p"}', '{"model":"b","prompt":"p"}'],
  ['of an empty body', ' { } ', ' {"model":"b" } '],
] as const) {
  test(`changes the outermost model: ${title}`, () => {
    assert.equal(Buffer.concat(renameModel(Buffer.from(body), 'b')).toString(), expected);
  });
}

test('writes a name with quotes as JSON', () => {
  const renamed = Buffer.concat(renameModel(Buffer.from('{"model":"a"}'), 'say "b"')).toString();
  assert.deepEqual(JSON.parse(renamed), { model: 'say "b"' });
});
