import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImagesAside } from './images-aside.ts';

const IMAGES = ['png', 'jpeg'].map((type) => `data:image/${type};base64,${type.repeat(100_000)}`);

function aside(body: object): ImagesAside {
  return new ImagesAside(Buffer.from(JSON.stringify(body)));
}

function put(images: ImagesAside, json: unknown): unknown {
  return JSON.parse(text(images.putBack(JSON.stringify(json))));
}

function text(pieces: readonly Buffer[] | undefined): string {
  assert.ok(pieces !== undefined);
  return Buffer.concat(pieces).toString();
}

test('the rest is small, and what is made of it has the images', () => {
  const images = aside({ a: IMAGES[0], b: { c: IMAGES[1] }, d: 'é' });
  assert.equal(images.rest.length < 500, true);
  const rest = JSON.parse(images.rest.toString());
  assert.match(rest.a, /^data:image\/png;base64,/);
  const made = { d: rest.d, twice: [rest.b.c, rest.b.c], first: rest.a };
  assert.deepEqual(put(images, made), { d: 'é', twice: [IMAGES[1], IMAGES[1]], first: IMAGES[0] });
  assert.deepEqual(put(images, { d: rest.d }), { d: 'é' });
});

test('images are put back as they were written', () => {
  const url = `"data:image\\/png;base64,${'\\/9j\\u0041'.repeat(100_000)}"`;
  const images = new ImagesAside(Buffer.from(`{"url":${url}}`));
  const json = JSON.stringify({ made: JSON.parse(images.rest.toString()).url });
  assert.equal(text(images.putBack(json)), `{"made":${url}}`);
});

test('it is known where images are missing', () => {
  const images = aside({ a: IMAGES[0], b: 1 });
  const { a, b } = JSON.parse(images.rest.toString());
  assert.deepEqual([images.isIn(JSON.stringify({ a })), images.isIn(JSON.stringify({ b }))], [true, false]);
});

test('texts that look like a place of an image are left', () => {
  const images = aside({ a: IMAGES[0], mark: '0e8a7c1e-0000-4000-8000-000000000000:0' });
  const rest = JSON.parse(images.rest.toString());
  assert.deepEqual(put(images, { mark: rest.mark }), { mark: rest.mark });
});

test('an image whose place is part of a longer text is not put back', () => {
  const images = aside({ a: IMAGES[0] });
  const { a } = JSON.parse(images.rest.toString());
  for (const longer of [`${a}99`, `${a} more`, `more ${a}`, `more "${a}`, `${a}${a}`, a.slice(5)])
    assert.equal(images.putBack(JSON.stringify({ a, longer })) === undefined, true, longer);
});

test('a body without large images is left as it is', () => {
  const body = Buffer.from('{"url":"data:image/png;base64,AAAA"}');
  const images = new ImagesAside(body);
  assert.deepEqual([images.isEmpty, images.rest === body], [true, true]);
  assert.equal(text(images.putBack('{"é":1}')), '{"é":1}');
});
