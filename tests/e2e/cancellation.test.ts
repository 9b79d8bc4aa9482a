/** A client that leaves, whichever way it came, frees the instance that worked for it. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { GrpcClient, HttpClient, InferInput } from '@nereid/client';
import { collect } from '../server/collect.ts';
import { makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { repeatModel, untilCancelledModel } from '../server/script-models.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };
const HOLD_JSON = JSON.stringify({ inputs: [{ name: 'HOLD', datatype: 'INT32', shape: [1], data: [1] }] });
const EVENTS = 'Accept: text/event-stream\r\n';

/** Starts a request that does not end by itself, and gives how its client leaves. */
type Begin = (model: string) => () => void;

describe('a client that leaves', LIMIT, () => {
  let repository: TemporaryRepository;
  let server: RunningServer;
  let http: HttpClient;
  let grpc: GrpcClient;

  before(async () => {
    repository = makeRepository();
    repository.write('hold', untilCancelledModel());
    repository.write('queue', untilCancelledModel());
    repository.write('repeat', repeatModel());
    server = await startServer(repository.path);
    http = new HttpClient(server.http);
    grpc = new GrpcClient(server.grpc);
  });

  after(async () => {
    await http.close();
    await grpc.close();
    await server[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
  });

  /** A request on a plain socket, which is then closed with its connection still waiting for the answer. */
  const overSocket =
    (path: string, body: string, headers = '') =>
    (model: string): (() => void) => {
      const socket = connect(Number(new URL(server.http).port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(
        `POST /v2/models/${model}/${path} HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`,
      );
      return () => socket.destroy();
    };

  const overGrpc: Begin = (model) => {
    const controller = new AbortController();
    const answer = grpc.infer(model, [holdInput(1)], { signal: controller.signal });
    answer.catch(() => undefined);
    return () => controller.abort();
  };

  const onStream: Begin = (model) => {
    const controller = new AbortController();
    const stream = grpc.inferStream([{ modelName: model, inputs: [holdInput(1)] }], controller);
    void collect(stream).catch(() => undefined);
    return () => controller.abort();
  };

  const WAYS: Readonly<Record<string, Begin>> = {
    'infer over HTTP': overSocket('infer', HOLD_JSON),
    'infer with events': overSocket('infer', HOLD_JSON, EVENTS),
    generate: overSocket('generate', '{"HOLD":1}'),
    generate_stream: overSocket('generate_stream', '{"HOLD":1}'),
    'infer over gRPC': overGrpc,
    'a stream over gRPC': onStream,
  };

  for (const [name, begin] of Object.entries(WAYS)) {
    test(`cancels what executes: ${name}`, async () => {
      const failures = await failuresOf('hold');
      const { CANCELLED: before } = await ask('hold');
      const leave = begin('hold');
      await until(async () => (await ask('hold')).RUNNING === 1);
      leave();
      await until(async () => (await ask('hold')).CANCELLED === before + 1);
      assert.equal((await ask('hold')).RUNNING, 0);
      await until(async () => (await failuresOf('hold')) === failures + 1);
    });

    test(`cancels what is queued: ${name}`, async () => {
      const failures = await failuresOf('queue');
      const busy = [begin('queue'), begin('queue')];
      const leave = begin('queue');
      await until(async () => (await pending('queue')) === 1);
      leave();
      await until(async () => (await pending('queue')) === 0);
      await until(async () => (await failuresOf('queue')) === failures + 1);
      for (const end of busy) end();
      await until(async () => (await failuresOf('queue')) === failures + 3);
      assert.equal((await ask('queue')).RUNNING, 0);
    });
  }

  test('a deadline of a gRPC client cancels, too', async () => {
    const { CANCELLED: before } = await ask('hold');
    const signal = AbortSignal.timeout(50);
    await assert.rejects(grpc.infer('hold', [holdInput(1)], { signal }), { code: 'CANCELLED' });
    await until(async () => (await ask('hold')).CANCELLED === before + 1);
  });

  test('leaving the events of a decoupled model ends it', async () => {
    const inputs = [int32('TOKEN', 7), int32('COUNT', 100_000_000)];
    let seen = 0;
    for await (const result of http.inferResponses('repeat', inputs)) {
      assert.deepEqual(result.output('TOKEN_OUT', 'INT32'), Int32Array.of(7));
      assert.deepEqual(result.output('INDEX', 'INT32'), Int32Array.of(seen));
      if (++seen === 5) break;
    }
    await until(async () => (await failuresOf('repeat')) === 1);
    const words = await collect(http.generateStream('repeat', { TOKEN: 3, COUNT: 2 }));
    assert.deepEqual(
      words.map((word) => [word['TOKEN_OUT'], word['INDEX']]),
      [
        [3, 0],
        [3, 1],
      ],
    );
  });

  async function ask(model: string): Promise<{ readonly RUNNING: number; readonly CANCELLED: number }> {
    const result = await http.infer(model, [holdInput(0)]);
    const value = (name: string): number => result.output(name, 'INT32')?.[0] ?? -1;
    return { RUNNING: value('RUNNING'), CANCELLED: value('CANCELLED') };
  }

  const failuresOf = (model: string): Promise<number> =>
    metric(`nv_inference_request_failure{model="${model}",version="1",reason="CANCELED"}`);

  const pending = (model: string): Promise<number> =>
    metric(`nv_inference_pending_request_count{model="${model}",version="1"}`);

  async function metric(sample: string): Promise<number> {
    const text = await (await fetch(`${server.metrics}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(sample));
    assert.ok(line !== undefined, `no ${sample} in\n${text}`);
    return Number(line.slice(sample.length));
  }
});

function int32(name: string, value: number): InferInput {
  return InferInput.from(name, Int32Array.of(value), [1]);
}

function holdInput(value: number): InferInput {
  return int32('HOLD', value);
}

/** Asks again and again; the limit of the test is the limit of the wait. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}
