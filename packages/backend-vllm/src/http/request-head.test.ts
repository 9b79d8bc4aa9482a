import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRequestHead } from './request-head.ts';

const PLAIN = { host: 'h:1', headers: {} };

test('writes a head for a body', () => {
  const target = { host: '[::1]:8000', headers: { authorization: 'Bearer k' } };
  assert.equal(
    formatRequestHead(target, { method: 'POST', path: '/v1/x', bodyBytes: 12 }),
    'POST /v1/x HTTP/1.1\r\nhost: [::1]:8000\r\nauthorization: Bearer k\r\n' +
      'content-type: application/json\r\ncontent-length: 12\r\n\r\n',
  );
});

test('writes a head for no body', () => {
  const head = formatRequestHead(PLAIN, { method: 'GET', path: '/health', bodyBytes: undefined });
  assert.equal(head, 'GET /health HTTP/1.1\r\nhost: h:1\r\n\r\n');
});

for (const [name, value] of [
  ['authorization', 'Bearer a\r\nx: 1'],
  ['authorization', 'cl\u00e9 \u0394'],
  ['x y', 'secret'],
] as const) {
  test(`refuses ${JSON.stringify({ [name]: value })} without telling the value`, () => {
    assert.throws(
      () =>
        formatRequestHead(
          { ...PLAIN, headers: { [name]: value } },
          { method: 'GET', path: '/', bodyBytes: undefined },
        ),
      (error: Error) => error.message.includes(`'${name}'`) && !error.message.includes(value),
    );
  });
}
