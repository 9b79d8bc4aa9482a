import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutImages } from './without-images.ts';

const IMAGE = `data:image/png;base64,${'iVBO'.repeat(100_000)}`;

function parsed(body: string): unknown {
  return JSON.parse(withoutImages(Buffer.from(body)).toString());
}

test('leaves the beginnings of data URLs, and all else', () => {
  const bodyWith = (...urls: readonly string[]): object => ({
    model: 'm',
    messages: [{ role: 'user', content: urls.map((url) => ({ type: 'image_url', image_url: { url } })) }],
    n: 1,
  });
  const cut = IMAGE.slice(0, 127);
  for (const space of [undefined, 2]) {
    const body = JSON.stringify(bodyWith(IMAGE, 'data:,short', IMAGE), undefined, space);
    assert.deepEqual(parsed(body), bodyWith(cut, 'data:,short', cut));
  }
});

test('leaves texts that speak of data URLs', () => {
  const text = `He wrote "data:image/png;base64,${'x'.repeat(300_000)}" and \\"data:,${'y'.repeat(1000)}\\`;
  const body = { prompt: text, stop: [`"data:`, 'data:', '\\'] };
  assert.deepEqual(parsed(JSON.stringify(body)), body);
});

test('cuts no escape in two', () => {
  for (let length = 100; length < 140; length += 1) {
    const start = `data:${'x'.repeat(length)}`;
    const { url } = parsed(`{"url":"${start}\\u00e9\\/\\"${'y'.repeat(300_000)}"}`) as { url: string };
    assert.equal(`${start}é/"${'y'.repeat(200)}`.startsWith(url), true);
  }
});

test('leaves a body that is not large as it is', () => {
  const body = Buffer.from(JSON.stringify({ url: IMAGE.slice(0, 200_000) }));
  assert.equal(withoutImages(body), body);
});

test('leaves what is no JSON to its parser', () => {
  assert.throws(() => parsed(`{"url":"${IMAGE}`), SyntaxError);
});
