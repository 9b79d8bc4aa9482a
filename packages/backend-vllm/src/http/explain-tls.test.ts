import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { test } from 'node:test';
import { explainTls } from './explain-tls.ts';

test('a port without TLS is told from one that nobody listens at', async () => {
  const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const error = await new Promise<Error>((resolve) => {
    connect({ port, host: '127.0.0.1' }).on('error', resolve);
  });
  server.close();
  const explained = explainTls(error);
  assert.match(explained.message, /^it does not speak TLS there, is its URL one of http:\/\/\? \(.+\)$/s);
  assert.equal(explained.cause, error);
});

test('other errors are left as they are', () => {
  const error = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  assert.equal(explainTls(error), error);
});
