import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { makeRepository } from '../server/make-repository.ts';
import { startServer } from '../server/start-server.ts';
import { describeTimes, memoryOf, type Finding } from './finding.ts';

/** So many are opened at a time: more would overflow the queue of connections that wait to be accepted. */
const AT_ONCE = 200;

/**
 * Connections that have asked once and then keep quiet. They must cost little, not slow down the one that goes on, and
 * all be answered again afterwards.
 */
export async function checkIdleConnections(count: number): Promise<Finding[]> {
  await using repository = makeRepository();
  await using server = await startServer(repository.path);
  const port = Number(new URL(server.http).port);
  const before = memoryOf(server);
  const sockets: Socket[] = [];
  try {
    while (sockets.length < count) {
      const some = Math.min(AT_ONCE, count - sockets.length);
      sockets.push(...(await Promise.all(Array.from({ length: some }, () => open(port)))));
    }
    const each = ((memoryOf(server) - before) * 1000) / count;
    const [active = assert.fail()] = sockets;
    const times: number[] = [];
    for (let round = 0; round < 1000; round += 1) {
      const began = performance.now();
      await ask(active);
      times.push(performance.now() - began);
    }
    for (let at = 0; at < count; at += AT_ONCE) await Promise.all(sockets.slice(at, at + AT_ONCE).map(ask));
    return [
      { what: `${count} idle connections, memory of each`, found: `${each.toFixed(1)} KB` },
      { what: `one request among ${count} idle connections`, found: describeTimes(times) },
    ];
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  await ask(socket);
  return socket;
}

/** One request and its answer, which has no body. */
async function ask(socket: Socket): Promise<void> {
  const answered = once(socket, 'data', { signal: AbortSignal.timeout(30_000) });
  socket.write('GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [answer] = (await answered) as [Buffer];
  assert.match(answer.toString('latin1'), /^HTTP\/1\.1 200 /);
}
