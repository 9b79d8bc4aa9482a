import assert from 'node:assert/strict';
import { createServer, connect, type Server } from 'node:net';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { listenOn } from './listen-on.ts';

/** Opens a port, connects to it and closes it. */
async function reach(address: string): Promise<void> {
  const server = createServer((socket) => socket.end('hello'));
  const port = await listenOn(server, { address, port: 0, reusePort: false });
  const socket = connect(port, address);
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  assert.equal(bytes.toString(), 'hello');
  await close(server);
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

describe('listenOn', () => {
  for (const address of ['127.0.0.1', '::1', 'localhost']) {
    it(`listens on ${address}`, () => reach(address));
  }

  it('rejects with the reason when the port is taken', async () => {
    const first = createServer();
    const port = await listenOn(first, { address: '127.0.0.1', port: 0, reusePort: false });
    await assert.rejects(listenOn(createServer(), { address: '127.0.0.1', port, reusePort: false }), {
      code: 'EADDRINUSE',
      message: /^listen EADDRINUSE: address already in use 127\.0\.0\.1:\d+$/,
    });
    await close(first);
  });

  it('rejects for an address that is none of this machine', async () => {
    await assert.rejects(listenOn(createServer(), { address: '203.0.113.1', port: 0, reusePort: false }), {
      code: 'EADDRNOTAVAIL',
    });
  });

  it('shares a port with whoever shares it, too', async () => {
    const first = createServer();
    const port = await listenOn(first, { address: '127.0.0.1', port: 0, reusePort: true });
    const second = createServer();
    assert.equal(await listenOn(second, { address: '127.0.0.1', port, reusePort: true }), port);
    await Promise.all([close(first), close(second)]);
  });

  it('does not keep errors of the server that come later', async () => {
    const server = createServer();
    await listenOn(server, { address: '127.0.0.1', port: 0, reusePort: false });
    assert.equal(server.listenerCount('error'), 0);
    await close(server);
  });
});
