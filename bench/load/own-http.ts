/** HTTP load without any tool: sockets, the bytes of one request, and no more parsing than an answer needs. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { runClosedLoop, type Connect } from './closed-loop.ts';
import type { HttpTarget, LoadGenerator } from './load.ts';

const HEAD_END = Buffer.from('\r\n\r\n');

export const ownHttpLoad: LoadGenerator<HttpTarget> = {
  name: 'own load generator (node:net)',
  run: (target, shape) => runClosedLoop(connectTo(target), shape),
};

function connectTo(target: HttpTarget): Connect {
  const { hostname, port } = new URL(target.url);
  const request = requestBytes(target);
  return async (listener) => {
    const socket = createConnection({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    let isOpen = true;
    let chunks: Buffer[] = [];
    let received = 0;
    let needed = 0;
    socket.on('error', listener.onFailure);
    socket.on('close', () => {
      if (isOpen) listener.onFailure(new Error(`${target.url}: the server closed the connection`));
    });
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      received += chunk.length;
      // A large answer comes in hundreds of chunks: they are not put together before the last one is there.
      if (received < needed) return;
      const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks);
      chunks = [bytes];
      const answer = readAnswer(bytes);
      if (answer === undefined) return;
      needed = answer.byteLength;
      if (received < needed) return;
      [chunks, received, needed] = [[], 0, 0];
      listener.onAnswer(answer.isSuccess);
    });
    return {
      send: () => void socket.write(request),
      close: () => {
        isOpen = false;
        socket.destroy();
      },
    };
  };
}

function requestBytes({ url, headers, body }: HttpTarget): Buffer {
  const { pathname, host } = new URL(url);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${body.length}\r\n${lines.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** What the head of an answer says: how long it is with its body; undefined while some of the head is missing. */
function readAnswer(bytes: Buffer): { readonly byteLength: number; readonly isSuccess: boolean } | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without Content-Length: ${head}`);
  const byteLength = headEnd + HEAD_END.length + Number(length);
  return { byteLength, isSuccess: head.startsWith('HTTP/1.1 2') };
}
