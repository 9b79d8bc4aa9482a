/** What becomes of requests while a Python model has them: given back, cancelled, traced, and what they say of themselves. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GrpcClient, HttpClient, InferInput, type InferenceClient } from '@nereid/client';
import { collect } from '../server/collect.ts';
import { makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { startCollector } from '../server/otlp-collector.ts';
import { IMPORTS, pythonConfig, servePython } from '../server/python-models.ts';
import { untilCancelledModel } from '../server/script-models.ts';
import type { RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 120_000 };
const ITERATIVE = 'sequence_batching { iterative_sequence: true }';
const DECOUPLED = 'model_transaction_policy { decoupled: true }';

/** Gives each request back until it was executed as often as its input says. */
const AGAIN = `${IMPORTS}
class TritonPythonModel:
    def initialize(self, args):
        self.executions = {}

    def execute(self, requests):
        return [self.step(request) for request in requests]

    def step(self, request):
        wanted = request.inputs()[0].as_numpy()[0]
        count = self.executions.get(request.request_id(), 0) + 1
        self.executions[request.request_id()] = count
        if count < wanted:
            request.set_release_flags(pb_utils.TRITONSERVER_REQUEST_RELEASE_RESCHEDULE)
            return None
        return pb_utils.InferenceResponse([pb_utils.Tensor("OUT", np.array([count], np.int32))])
`;

/** The same, with a response for each execution. */
const AGAIN_DECOUPLED = `${IMPORTS}
class TritonPythonModel:
    def initialize(self, args):
        self.executions = {}

    def execute(self, requests):
        for request in requests:
            self.step(request)

    def step(self, request):
        wanted = request.inputs()[0].as_numpy()[0]
        count = self.executions.get(request.request_id(), 0) + 1
        self.executions[request.request_id()] = count
        sender = request.get_response_sender()
        sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("OUT", np.array([count], np.int32))]))
        if count < wanted:
            request.set_release_flags(pb_utils.TRITONSERVER_REQUEST_RELEASE_RESCHEDULE)
        else:
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
`;

/** The same in a coroutine, which others may go on beside. */
const AGAIN_COROUTINE = AGAIN_DECOUPLED.replace(
  `    def execute(self, requests):
        for request in requests:
            self.step(request)`,
  `    async def execute(self, requests):
        for request in requests:
            await asyncio.sleep(0)
            self.step(request)`,
).replace(IMPORTS, `import asyncio\n${IMPORTS}`);

/** Says that it has a request, waits until it is cancelled, and says so. `whose` is what knows of it. */
function waiting(whose: 'request' | 'sender'): string {
  return `${IMPORTS}import time
class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            name = request.request_id()
            pb_utils.Logger.log_info(f"{name} is here")
            while not ${whose}.is_cancelled():
                time.sleep(0.001)
            pb_utils.Logger.log_info(f"{name} has gone")
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
`;
}

/** The same of one that answers each request once. */
const WAITING_ONCE = `${IMPORTS}import time
class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            name = request.request_id()
            pb_utils.Logger.log_info(f"{name} is here")
            while not request.is_cancelled():
                time.sleep(0.001)
            pb_utils.Logger.log_info(f"{name} has gone")
            responses.append(pb_utils.InferenceResponse(error=pb_utils.TritonError("gone", pb_utils.TritonError.CANCELLED)))
        return responses
`;

/** Has `hold`, which waits until it is cancelled, execute; with the limit in microseconds that its input gives. */
const CALLER = `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        return [self.call(request) for request in requests]

    def call(self, request):
        limit = int(request.inputs()[0].as_numpy()[0])
        hold = pb_utils.Tensor("HOLD", np.array([1], np.int32))
        called = pb_utils.InferenceRequest(
            model_name="hold", requested_output_names=["RUNNING"], inputs=[hold], timeout=limit, trace=request.trace()
        ).exec()
        error = called.error()
        pb_utils.Logger.log_info(f"{request.request_id()}: the call ended with {error.code()}")
        return pb_utils.InferenceResponse(error=error)
`;

/** Says priority and timeout. */
const LIMITS = `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor("OUT", np.array([[r.priority(), r.timeout()]], np.int32))])
            for r in requests
        ]
`;

const ECHO = `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", r.inputs()[0].as_numpy())]) for r in requests]
`;

/** Calls `echo`, under an id of its own. */
const PARENT = `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        return [self.call(request) for request in requests]

    def call(self, request):
        called = pb_utils.InferenceRequest(
            model_name="echo", requested_output_names=["OUT"], inputs=request.inputs(), request_id="inner", trace=request.trace()
        ).exec()
        return pb_utils.InferenceResponse(called.output_tensors())
`;

function int32(...values: readonly number[]): InferInput {
  return InferInput.from('IN', Int32Array.from(values), [values.length]);
}

describe('requests of Python models', LIMIT, () => {
  let repository: TemporaryRepository;
  let server: RunningServer;
  let http: HttpClient;
  let grpc: GrpcClient;

  before(async () => {
    repository = makeRepository();
    const add = (name: string, code: string, more = ''): void =>
      repository.write(name, { 'config.pbtxt': pythonConfig('INT32', more), '1/model.py': code });
    add('again', AGAIN, ITERATIVE);
    add('again_decoupled', AGAIN_DECOUPLED, `${ITERATIVE} ${DECOUPLED}`);
    add('again_coroutine', AGAIN_COROUTINE, `${ITERATIVE} ${DECOUPLED}`);
    add('request', waiting('request'), DECOUPLED);
    add('sender', waiting('sender'), DECOUPLED);
    add('once', WAITING_ONCE);
    add('caller', CALLER);
    add(
      'limits',
      LIMITS,
      'max_batch_size: 1 dynamic_batching { priority_levels: 3 default_priority_level: 2 }',
    );
    add('plain', LIMITS, 'max_batch_size: 1');
    repository.write('hold', untilCancelledModel());
    server = await servePython(repository);
    http = new HttpClient(server.http);
    grpc = new GrpcClient(server.grpc);
  });

  after(async () => {
    await http.close();
    await grpc.close();
    await server[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
  });

  test('a request that a model gives back is executed until it is answered', async () => {
    const ask = async (
      client: InferenceClient,
      requestId: string,
      count: number,
    ): Promise<number | undefined> =>
      (await client.infer('again', [int32(count)], { requestId })).output('OUT', 'INT32')[0];
    assert.deepEqual(await Promise.all([ask(http, 'a', 4), ask(grpc, 'b', 3), ask(http, 'c', 1)]), [4, 3, 1]);
    const [statistics] = await http.modelStatistics('again');
    assert.equal(statistics?.inference_stats.success.count, 3);
  });

  test('a decoupled model answers a request at each of its executions', async () => {
    const values = async (
      results: AsyncIterable<{ output(name: string, datatype: 'INT32'): Int32Array | undefined }>,
    ) => (await collect(results)).flatMap((result) => [...(result.output('OUT', 'INT32') ?? [])]);
    for (const model of ['again_decoupled', 'again_coroutine']) {
      const ask = async (requestId: string, count: number): Promise<number[]> =>
        values(http.inferResponses(model, [int32(count)], { requestId }));
      assert.deepEqual(
        await Promise.all([ask('d', 3), ask('e', 2)]),
        [
          [1, 2, 3],
          [1, 2],
        ],
        model,
      );
    }
  });

  /** A request on a plain socket, which is then closed with its connection still waiting for the answer. */
  const overHttp = (model: string, id: string, value: number): (() => void) => {
    const body = JSON.stringify({
      id,
      inputs: [{ name: 'IN', datatype: 'INT32', shape: [1], data: [value] }],
    });
    const accept = model === 'request' || model === 'sender' ? 'Accept: text/event-stream\r\n' : '';
    const socket = connect(Number(new URL(server.http).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      `POST /v2/models/${model}/infer HTTP/1.1\r\nHost: x\r\n${accept}Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    return () => socket.destroy();
  };

  const overGrpc = (model: string, requestId: string, value: number): (() => void) => {
    const controller = new AbortController();
    const request = { modelName: model, inputs: [int32(value)], requestId };
    void collect(grpc.inferStream([request], controller)).catch(() => undefined);
    return () => controller.abort();
  };

  for (const [protocol, begin] of Object.entries({ HTTP: overHttp, gRPC: overGrpc })) {
    for (const model of ['request', 'sender', 'once']) {
      test(`a client that leaves over ${protocol} is seen by the model: ${model}`, async () => {
        const leave = begin(model, `${model}-${protocol}`, 0);
        await printed(`${model}-${protocol} is here`);
        leave();
        await printed(`${model}-${protocol} has gone`);
      });
    }

    test(`a client that leaves over ${protocol} cancels what the model has called`, async () => {
      const leave = begin('caller', `caller-${protocol}`, 0);
      await until(async () => (await held()) === 1);
      leave();
      await printed(`caller-${protocol}: the call ended with CANCELLED`);
      assert.equal(await held(), 0);
    });
  }

  test('a call that takes longer than it may is given up, and what it called is freed', async () => {
    await assert.rejects(http.infer('caller', [int32(50_000)], { requestId: 'limited' }), {
      code: 'UNAVAILABLE',
      message: /call of model 'hold' was given up: expected its end within 50000 microseconds/,
    });
    await printed('limited: the call ended with UNAVAILABLE');
    assert.equal(await held(), 0);
  });

  test('priority and timeout are those of the client', async () => {
    for (const client of [http, grpc]) {
      const seen = async (model: string, options: { priority?: number; timeoutUs?: number } = {}) => {
        const input = InferInput.from('IN', Int32Array.of(0), [1, 1]);
        return [...(await client.infer(model, [input], options)).output('OUT', 'INT32')];
      };
      assert.deepEqual(await seen('limits', { priority: 3, timeoutUs: 9_000_000 }), [3, 9_000_000]);
      assert.deepEqual(await seen('limits'), [2, 0]);
      // Without levels priorities mean nothing.
      assert.deepEqual(await seen('plain', { priority: 3 }), [0, 0]);
    }
  });

  /** Requests that `hold` has, and this question not. */
  async function held(): Promise<number> {
    const result = await http.infer('hold', [InferInput.from('HOLD', Int32Array.of(0), [1])]);
    return result.output('RUNNING', 'INT32')[0] ?? -1;
  }

  function printed(text: string): Promise<void> {
    return until(() => Promise.resolve(server.output().includes(text)));
  }
});

const TRACED = { '1/model.py': PARENT, 'config.pbtxt': pythonConfig('INT32') };
const TRACED_ECHO = { '1/model.py': ECHO, 'config.pbtxt': pythonConfig('INT32') };

test('in a trace file, a call is the child of the request that it was made for', LIMIT, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-trace-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'trace.json');
  await using repository = makeRepository();
  repository.write('parent', TRACED);
  repository.write('echo', TRACED_ECHO);
  const flags = [`triton,file=${file}`, 'level=TIMESTAMPS', 'rate=1'];
  await using server = await servePython(repository, ...flags.map((flag) => `--trace-config=${flag}`));
  const client = new HttpClient(server.http);
  await client.infer('parent', [int32(5)], { requestId: 'outer' });
  await client.close();
  assert.equal(await server.stop(), 0);
  const records = JSON.parse(readFileSync(file, 'utf8')) as readonly { readonly model_name?: string }[];
  assert.deepEqual(
    records.filter(({ model_name: name }) => name !== undefined),
    [
      { id: 1, model_name: 'parent', model_version: 1, request_id: 'outer' },
      { id: 2, model_name: 'echo', model_version: 1, request_id: 'inner', parent_id: 1 },
    ],
  );
});

test('in a trace file, a request that is given back has the moments of each execution', LIMIT, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-trace-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'trace.json');
  await using repository = makeRepository();
  repository.write('again', { 'config.pbtxt': pythonConfig('INT32', ITERATIVE), '1/model.py': AGAIN });
  const flags = [`triton,file=${file}`, 'level=TIMESTAMPS', 'rate=1'];
  await using server = await servePython(repository, ...flags.map((flag) => `--trace-config=${flag}`));
  const client = new HttpClient(server.http);
  await client.infer('again', [int32(3)]);
  await client.close();
  assert.equal(await server.stop(), 0);
  const records = JSON.parse(readFileSync(file, 'utf8')) as readonly {
    readonly timestamps?: readonly { readonly name: string }[];
  }[];
  const names = records.flatMap(({ timestamps = [] }) => timestamps.map(({ name }) => name));
  const execution = ['COMPUTE_START', 'COMPUTE_INPUT_END', 'COMPUTE_OUTPUT_START', 'COMPUTE_END'];
  assert.deepEqual(
    names.filter((name) => name === 'QUEUE_START' || execution.includes(name)),
    [1, 2, 3].flatMap(() => ['QUEUE_START', ...execution]),
  );
});

test('to a collector, a call is a span below the execution that it was made in', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('parent', TRACED);
  repository.write('echo', TRACED_ECHO);
  await using collector = await startCollector();
  const flags = ['mode=opentelemetry', 'level=TIMESTAMPS', 'rate=1', `opentelemetry,url=${collector.url}`];
  flags.push('opentelemetry,bsp_schedule_delay=1');
  await using server = await servePython(repository, ...flags.map((flag) => `--trace-config=${flag}`));
  const client = new HttpClient(server.http);
  await client.infer('parent', [int32(5)], { requestId: 'outer' });
  await client.close();
  const spans = await collector.spans(5);
  const named = (name: string) => spans.find((span) => span.name === name);
  const [parent, echo] = [named('parent'), named('echo')];
  assert.ok(parent && echo);
  assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
  const above = spans.find(({ spanId }) => spanId === echo.parentSpanId);
  assert.ok(
    above && [above.spanId, above.parentSpanId].includes(parent.spanId),
    `echo is below ${above?.name}`,
  );
  assert.equal(echo.attributes['triton.request_id'], 'inner');
});

/** Asks again and again; the limit of the test is the limit of the wait. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}
