/** Calls of gRPC on plain HTTP/2 to a transport of its own, for what clients' libraries never send. */
import { once } from 'node:events';
import { connect, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import type { TestContext } from 'node:test';
import { createHttp2Transport } from '../http2/http2-transport.ts';
import type { Rpc } from '../rpc.ts';
import type { TransportOptions } from '../transport.ts';
import { TEST_OPTIONS } from './fake-services.ts';

export const OPTIONS: TransportOptions = { ...TEST_OPTIONS, maxMessageByteSize: 1000, tls: undefined };

/** Answers each message with itself. */
export const echo: Rpc = {
  service: 's',
  method: 'Echo',
  kind: 'unary',
  handler: (call) => {
    call.answer(call.request);
  },
};
export const echoAll: Rpc = {
  service: 's',
  method: 'EchoAll',
  kind: 'bidi',
  handler: (call) => {
    call.read({
      onMessage: (message) => call.write(message),
      onHalfClose: () => {
        call.end();
      },
    });
  },
};

export async function start(
  t: TestContext,
  rpcs: readonly Rpc[],
  options: Partial<TransportOptions> = {},
): Promise<{ port: number; session: ClientHttp2Session }> {
  const transport = await createHttp2Transport(() => Promise.resolve(rpcs), { ...OPTIONS, ...options });
  const port = await transport.listen();
  const session = await connectTo(port);
  t.after(async () => {
    session.destroy();
    await transport.close(0);
  });
  return { port, session };
}

export async function connectTo(port: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${String(port)}`);
  session.on('error', () => undefined);
  await once(session, 'connect');
  return session;
}

export function open(session: ClientHttp2Session, path: string, headers: OutgoingHttpHeaders = {}) {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    ...headers,
  });
  stream.on('error', () => undefined);
  return stream;
}

/** What came of a call. */
export interface Answer {
  readonly httpStatus: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  readonly status: string | undefined;
  readonly message: string | undefined;
}

export async function answerOf(stream: ReturnType<typeof open>): Promise<Answer> {
  let headers: Record<string, unknown> = {};
  let trailers: Record<string, unknown> = {};
  const chunks: Buffer[] = [];
  stream.on('response', (received) => (headers = { ...received }));
  stream.on('trailers', (received) => (trailers = { ...received }));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'close');
  const text = (name: string): string | undefined => {
    const value = trailers[name] ?? headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const httpStatus = Number(headers[':status']);
  const status = text('grpc-status');
  return { httpStatus, headers, body: Buffer.concat(chunks), status, message: text('grpc-message') };
}

export function frame(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

export async function call(
  session: ClientHttp2Session,
  body: Buffer,
  headers: OutgoingHttpHeaders = {},
  path = '/s/Echo',
): Promise<Answer> {
  const stream = open(session, path, headers);
  stream.end(body);
  return answerOf(stream);
}

export const hello = Buffer.from('hello');
