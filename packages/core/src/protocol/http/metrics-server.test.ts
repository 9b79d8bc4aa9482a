import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createMetricsServer } from './metrics-server.ts';

async function start(t: TestContext, render: () => string | Promise<string>): Promise<string> {
  const server = createMetricsServer(render, { address: '127.0.0.1', port: 0, reusePort: false });
  const { port } = await server.listen();
  t.after(() => server.close(0));
  return `http://127.0.0.1:${String(port)}`;
}

test('serves the page as text', async (t) => {
  const url = await start(t, () => Promise.resolve('nv_x 1\n'));
  const answer = await fetch(`${url}/metrics`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal(await answer.text(), 'nv_x 1\n');
});

test('takes GET only, and any other path is an empty page', async (t) => {
  const url = await start(t, () => '');
  assert.equal((await fetch(`${url}/metrics`, { method: 'POST' })).status, 405);
  for (const path of ['/', '/v2/health/ready', '/metrics/x']) {
    const answer = await fetch(url + path);
    assert.deepEqual([answer.status, await answer.text()], [200, '']);
  }
});

test('a page that cannot be rendered is an error', async (t) => {
  const url = await start(t, () => Promise.reject(new Error('broken')));
  const answer = await fetch(`${url}/metrics`);
  assert.equal(answer.status, 500);
  assert.match(await answer.text(), /broken/);
});
