/** A client that does not read its stream holds the model back, whichever way it came. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { Client, credentials, type ClientDuplexStream } from '@grpc/grpc-js';
import { InferInput } from '@nereid/client';
import { decodeModelStreamInferResponse, encodeModelInferRequest } from '@nereid/protocol/grpc';
import { makeRepository, type ModelFiles } from '../server/make-repository.ts';
import { pythonFloodModel, servePython } from '../server/python-models.ts';
import { floodModel } from '../server/script-models.ts';
import type { RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 120_000 };
const PATH = '/inference.GRPCInferenceService/ModelStreamInfer';
const COUNT = 400;
const SIZE = 131_072;
/** What the kernel's buffers of two sockets and a few responses hold; all together would be 52 MB. */
const MOST_MADE = 200;

/** The places of a process at the server (64), and what its socket holds. */
const MOST_UNTAKEN = 100;

/** A stream whose client takes nothing until it is told to. */
interface SlowClient {
  /** Reads to the end and gives the numbers of all responses. */
  readAll(): Promise<number[]>;
  leave(): void;
}

type Open = (server: RunningServer) => SlowClient | Promise<SlowClient>;

const encodeRequest = (count: number): Buffer =>
  Buffer.from(
    encodeModelInferRequest({
      modelName: 'flood',
      modelVersion: '',
      id: '',
      inputs: [int32('COUNT', count), int32('SIZE', SIZE)],
      outputs: [],
      binaryDataOutput: false,
      priority: 0,
      timeoutUs: 0,
      sequence: undefined,
      parameters: undefined,
    }),
  );
const request = encodeRequest(COUNT);

/** Events on a plain socket. */
const events =
  (path: string, body: string, index: RegExp): Open =>
  (server) => {
    const socket = connect(Number(new URL(server.http).port), '127.0.0.1');
    socket.on('error', () => undefined);
    const head = `POST /v2/models/flood/${path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nConnection: close`;
    socket.write(`${head}\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`);
    return {
      readAll: async () => {
        const found: number[] = [];
        let rest = '';
        for await (const piece of socket.setEncoding('latin1')) {
          // Responses are much longer than what is kept of them: the number may be at their border.
          rest += String(piece).replaceAll(/x{1000,}/g, '');
          const lines = rest.split('\n\n');
          rest = lines.pop() ?? '';
          for (const line of lines)
            found.push(...[...line.matchAll(index)].map(([, number]) => Number(number)));
        }
        return found;
      },
      leave: () => socket.destroy(),
    };
  };

const overGrpc: Open = async (server) => {
  const { client, call } = callGrpc(server);
  call.end(request);
  // Until it is read for the first time, grpc-js takes all that comes into its own memory.
  await once(call, 'readable');
  return {
    readAll: async () => {
      const found: number[] = [];
      for await (const bytes of call) found.push(...indexOf(Buffer.from(bytes as Uint8Array)));
      client.close();
      return found;
    },
    leave: () => {
      call.cancel();
      client.close();
    },
  };
};

function callGrpc(server: RunningServer): {
  readonly client: Client;
  readonly call: ClientDuplexStream<Buffer, Buffer>;
} {
  const same = (bytes: Buffer): Buffer => bytes;
  const client = new Client(server.grpc, credentials.createInsecure());
  const call = client.makeBidiStreamRequest(PATH, same, same);
  call.on('error', () => undefined);
  return { client, call };
}

/** HTTP/2 without a library of gRPC: its windows stay shut, as data that nobody takes opens none. */
const overHttp2: Open = (server) => {
  const session = connectHttp2(`http://${server.grpc}`, { settings: { initialWindowSize: 65_535 } });
  session.on('error', () => undefined);
  const stream = session.request({
    ':method': 'POST',
    ':path': PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => undefined);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(request.length, 1);
  stream.end(Buffer.concat([prefix, request]));
  return {
    readAll: async () => {
      const found: number[] = [];
      let rest = Buffer.alloc(0);
      for await (const piece of stream) {
        rest = Buffer.concat([rest, piece as Buffer]);
        for (; rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1);) {
          const end = 5 + rest.readUInt32BE(1);
          found.push(...indexOf(rest.subarray(5, end)));
          rest = rest.subarray(end);
        }
      }
      session.close();
      return found;
    },
    leave: () => session.destroy(),
  };
};

const FLAT = JSON.stringify({ COUNT, SIZE });
const TENSORS = JSON.stringify({
  inputs: [
    { name: 'COUNT', datatype: 'INT32', shape: [1], data: [COUNT] },
    { name: 'SIZE', datatype: 'INT32', shape: [1], data: [SIZE] },
  ],
});
const WAYS: Readonly<Record<string, Open>> = {
  generate_stream: events('generate_stream', FLAT, /"INDEX":(\d+)/g),
  'infer with events': events('infer', TENSORS, /"INDEX".*?"data":\[(\d+)\]/g),
  'a stream of grpc-js': overGrpc,
  'a stream of plain HTTP/2': overHttp2,
};

const SEQUENCES = 'sequence_batching { iterative_sequence: true oldest { max_candidate_sequences: 2 } }';

describe('a client that does not read', LIMIT, () => {
  for (const [name, open] of Object.entries(WAYS)) {
    test(`holds the model back, and gets every response in order when it goes on: ${name}`, async (t) => {
      const { server, progress } = await serve(t);
      const client = await open(server);
      const made = await standstill(progress);
      assert.ok(Number(made) < MOST_MADE, `made ${made} of ${String(COUNT)} responses that nobody read`);
      assert.deepEqual(await client.readAll(), [...new Array(COUNT).keys()]);
      assert.equal(progress(), `${String(COUNT)}!`);
    });

    test(`cancels the held model when it leaves: ${name}`, async (t) => {
      const { server, progress } = await serve(t);
      const client = await open(server);
      await standstill(progress);
      client.leave();
      await until(() => progress().endsWith('!'));
      assert.ok(Number.parseInt(progress()) < MOST_MADE);
    });

    test(`is given up after --stream-timeout-secs, and the model is free again: ${name}`, async (t) => {
      const { server, progress } = await serve(t, { flags: ['--stream-timeout-secs=1'] });
      const client = await open(server);
      t.after(() => client.leave());
      await until(() => progress().endsWith('!'));
      assert.ok(Number.parseInt(progress()) < MOST_MADE);
    });
  }

  test('is held back and given up with --grpc-transport=grpc-js, too', async (t) => {
    const flags = ['--grpc-transport=grpc-js', '--stream-timeout-secs=1'];
    const { server, progress } = await serve(t, { flags });
    const client = await overGrpc(server);
    t.after(() => client.leave());
    await until(() => progress().endsWith('!'));
    assert.ok(Number.parseInt(progress()) < MOST_MADE);
  });

  for (const [name, open] of Object.entries(WAYS)) {
    test(`holds the model back through a thread in front: ${name}`, async (t) => {
      const { server, progress } = await serve(t, { flags: ['--front-threads=2'] });
      const client = await open(server);
      assert.ok(Number(await standstill(progress)) < MOST_MADE);
      assert.deepEqual(await client.readAll(), [...new Array(COUNT).keys()]);
    });
  }

  test('holds a model with sequences back, too', async (t) => {
    const { server, progress } = await serve(t, { files: floodModel(SEQUENCES) });
    const client = await overGrpc(server);
    assert.ok(Number(await standstill(progress)) < MOST_MADE);
    assert.equal((await client.readAll()).length, COUNT);
  });
});

describe('a client that does not read holds a Python model back', LIMIT, () => {
  for (const flood of ['execute', 'a thread', 'a coroutine'] as const) {
    const files = pythonFloodModel(flood);

    test(`that answers in ${flood}, until it goes on`, async (t) => {
      const { server, progress } = await serve(t, { files });
      const client = await overGrpc(server);
      const made = await standstill(progress);
      assert.ok(Number(made) < MOST_MADE, `made ${made} of ${String(COUNT)} responses that nobody read`);
      assert.deepEqual(await client.readAll(), [...new Array(COUNT).keys()]);
      await until(() => progress() === `${String(COUNT)}!`);
    });

    test(`that answers in ${flood}, until it is given up`, async (t) => {
      const { server, progress } = await serve(t, { files, flags: ['--stream-timeout-secs=1'] });
      const client = await overGrpc(server);
      t.after(() => client.leave());
      await until(() => progress().endsWith('!'));
      assert.ok(Number.parseInt(progress()) < MOST_MADE);
    });
  }

  test('and so does a server that comes to nothing', async (t) => {
    const { server, progress } = await serve(t, { files: pythonFloodModel('execute') });
    const { client, call } = callGrpc(server);
    t.after(() => client.close());
    call.resume();
    call.end(encodeRequest(2 * COUNT));
    await until(() => progress() !== '');
    server.process.kill('SIGSTOP');
    t.after(() => server.process.kill('SIGCONT'));
    const made = Number.parseInt(progress());
    const more = Number(await standstill(progress)) - made;
    assert.ok(more < MOST_UNTAKEN, `made ${String(more)} responses that the server could not take`);
    server.process.kill('SIGCONT');
    await until(() => progress() === `${String(2 * COUNT)}!`);
  });

  test('whose time limit does not count while it waits', async (t) => {
    const { 'config.pbtxt': config = '', ...code } = pythonFloodModel('execute');
    const limit = 'parameters { key: "EXECUTE_TIMEOUT_SECONDS" value { string_value: "2" } }';
    const files = { ...code, 'config.pbtxt': `${config}\n${limit}` };
    const { server, progress } = await serve(t, { files, flags: ['--stream-timeout-secs=3'] });
    const client = await overGrpc(server);
    t.after(() => client.leave());
    // A model that is killed notes no end.
    await until(() => progress().endsWith('!'));
  });

  test('but not a thread of it that other clients need', async (t) => {
    const { server, progress } = await serve(t, { files: pythonFloodModel('one thread for all') });
    const slow = await overGrpc(server);
    await standstill(progress);
    const other = await overGrpc(server);
    assert.equal((await other.readAll()).length, COUNT);
    assert.deepEqual(await slow.readAll(), [...new Array(COUNT).keys()]);
  });
});

interface Served {
  readonly server: RunningServer;
  /** How many responses the model has made so far; with `!` when it has ended. */
  readonly progress: () => string;
}

async function serve(
  t: TestContext,
  {
    flags = [],
    files = floodModel(),
  }: { readonly flags?: readonly string[]; readonly files?: ModelFiles } = {},
): Promise<Served> {
  const repository = makeRepository();
  repository.write('flood', files);
  const server = await servePython(repository, ...flags);
  t.after(async () => {
    await server[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
  });
  const file = join(repository.path, 'flood', '1', 'progress');
  return { server, progress: () => (existsSync(file) ? readFileSync(file, 'utf8') : '') };
}

/** Waits until a model has begun and makes no more. */
async function standstill(progress: () => string): Promise<string> {
  let before = '';
  for (let still = 0; still < 25;) {
    await once(AbortSignal.timeout(20), 'abort');
    const now = progress();
    still = now !== '' && now === before ? still + 1 : 0;
    before = now;
  }
  return before;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await once(AbortSignal.timeout(20), 'abort');
}

function int32(name: string, value: number): InferInput {
  return InferInput.from(name, Int32Array.of(value), [1]);
}

function indexOf(bytes: Buffer): number[] {
  const { outputs = [] } = decodeModelStreamInferResponse(bytes).response ?? {};
  const { data } = outputs.find(({ name }) => name === 'INDEX') ?? {};
  return data === undefined ? [] : [Buffer.from(data).readInt32LE()];
}
