import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GrpcClient, InferenceServerError, InferInput, type InferResult } from '@nereid/client';
import { makeRepository } from '../server/make-repository.ts';
import { IMPORTS, pythonConfig as config, servePython as serve, stubsOf } from '../server/python-models.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';
import { withClient } from '../server/with-client.ts';

const LIMIT = { timeout: 60_000 };
const ECHO = `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", r.inputs()[0].as_numpy())]) for r in requests]
`;

function infer(server: RunningServer, model: string, values: readonly number[]): Promise<InferResult> {
  return withClient(server, (client) => client.infer(model, [int32(values)]));
}

function int32(values: readonly number[]): InferInput {
  return InferInput.from('IN', new Int32Array(values));
}

test('every datatype goes through numpy and back', LIMIT, async () => {
  const tensors = {
    BOOL: InferInput.from('IN', [true, false]),
    UINT8: InferInput.from('IN', new Uint8Array([0, 255])),
    INT64: InferInput.from('IN', new BigInt64Array([-5n, 2n ** 62n])),
    FP16: InferInput.fromBytes('IN', 'FP16', [2], new Uint8Array([0, 60, 0, 188])),
    FP64: InferInput.from('IN', new Float64Array([1e300, -0.5])),
    STRING: InferInput.from('IN', ['', 'grüße', 'x'.repeat(9000)]),
  };
  await using repository = makeRepository();
  for (const datatype of Object.keys(tensors))
    repository.write(datatype, { 'config.pbtxt': config(datatype), '1/model.py': ECHO });
  await using server = await serve(repository);
  await withClient(server, async (client) => {
    for (const [modelName, input] of Object.entries(tensors)) {
      const { data } = (await client.infer(modelName, [input])).tensor('OUT');
      assert.deepEqual(Buffer.from(data), Buffer.from(input.data ?? []), modelName);
    }
  });
});

test('a tensor of 16 MiB comes back whole', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('echo', { 'config.pbtxt': config('FP32'), '1/model.py': ECHO });
  await using server = await serve(repository);
  const values = Float32Array.from({ length: 4 << 20 }, (_, index) => index);
  const result = await withClient(server, (client) => client.infer('echo', [InferInput.from('IN', values)]));
  assert.deepEqual(result.output('OUT', 'FP32'), values);
});

test('an exception reaches the client with its message and the log with its traceback', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('bad', {
    'config.pbtxt': config('INT32'),
    '1/model.py': `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        raise KeyError("no such thing")
`,
  });
  await using server = await serve(repository);
  await assert.rejects(infer(server, 'bad', [1]), (error: unknown) => {
    assert.ok(error instanceof InferenceServerError);
    assert.match(error.message, /KeyError: 'no such thing'/);
    return true;
  });
  assert.match(server.output(), /model\.py.*line 6, in execute/);
});

test('a model that can not be imported says why in the load error', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('bad', { 'config.pbtxt': config('INT32'), '1/model.py': 'import no_such_module\n' });
  await assert.rejects(
    serve(repository),
    /ModuleNotFoundError: No module named 'no_such_module': install it for the Python \S+, or name it in a requirements\.txt beside/,
  );
});

test('a process that is killed fails its own request alone, and another takes its place', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('echo', { 'config.pbtxt': config('INT32'), '1/model.py': ECHO });
  repository.write('slow', {
    'config.pbtxt': config('INT32'),
    '1/model.py': ECHO.replace(
      'return',
      `if requests[0].inputs()[0].as_numpy()[0] == 5:
            import pathlib, time
            pathlib.Path(__file__).with_name("begun").touch()
            time.sleep(60)
        return`,
    ),
  });
  await using server = await serve(repository);
  await infer(server, 'slow', [1]);
  const before = stubsOf(server);
  assert.equal(before.length, 2);
  const open = infer(server, 'slow', [5]).then(
    () => 'answered',
    (error: unknown) => InferenceServerError.from(error).message,
  );
  const begun = join(repository.path, 'slow/1/begun');
  while (!existsSync(begun)) await once(AbortSignal.timeout(20), 'abort');
  for (const pid of before) process.kill(pid, 'SIGKILL');
  assert.match(await open, /the Python process of model 'slow' was ended by SIGKILL/);
  for (const model of ['echo', 'slow']) {
    assert.deepEqual([...(await infer(server, model, [7])).output('OUT', 'INT32')], [7]);
  }
  assert.equal(stubsOf(server).filter((pid) => !before.includes(pid)).length, 2);
});

test('coroutines of one model run side by side', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('asynchronous', {
    'config.pbtxt': config('INT32', 'model_transaction_policy { decoupled: true }'),
    '1/model.py': `import asyncio\n${IMPORTS}
class TritonPythonModel:
    def initialize(self, args):
        self.met = asyncio.Barrier(2)

    async def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            await asyncio.wait_for(self.met.wait(), 10)
            sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("OUT", request.inputs()[0].as_numpy() * 2)]))
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
`,
  });
  await using server = await serve(repository);
  await withClient(server, async (client) => {
    const read = async (value: number): Promise<number[]> => {
      const values: number[] = [];
      for await (const result of client.inferResponses('asynchronous', [int32([value])]))
        values.push(...result.output('OUT', 'INT32'));
      return values;
    };
    assert.deepEqual(await Promise.all([read(1), read(2)]), [[2], [4]]);
  });
});

test('a model calls others, and gets their own errors', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('identity_fp32');
  repository.write('caller', {
    'config.pbtxt': config('STRING'),
    '1/model.py': `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        return [self.call(request.inputs()[0].as_numpy()[0].decode()) for request in requests]

    def call(self, name):
        tensor = pb_utils.Tensor("X", np.array([[1.5]], dtype=np.float32))
        called = pb_utils.InferenceRequest(model_name=name, requested_output_names=["Y"], inputs=[tensor]).exec()
        if called.has_error():
            text = f"{called.error().code()} {called.error().message()}"
        else:
            text = str(pb_utils.get_output_tensor_by_name(called, "Y").as_numpy()[0][0])
        return pb_utils.InferenceResponse([pb_utils.Tensor("OUT", np.array([text], dtype=object))])
`,
  });
  await using server = await serve(repository);
  await withClient(server, async (client) => {
    const call = async (name: string): Promise<string | undefined> =>
      (await client.infer('caller', [InferInput.from('IN', [name])])).asStrings('OUT')[0];
    assert.equal(await call('identity_fp32'), '1.5');
    assert.match((await call('nobody')) ?? '', /^NOT_FOUND .*'nobody' is not found/);
  });
});

test('is_ready decides over the readiness of the model, which goes on serving', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('moody', {
    'config.pbtxt': config('INT32'),
    '1/model.py': ECHO.replace(
      'class TritonPythonModel:',
      'class TritonPythonModel:\n    ready = True\n\n    def is_ready(self):\n        return self.ready\n',
    ).replace(
      '        return [',
      '        self.ready = int(requests[0].inputs()[0].as_numpy()[0]) == 1\n        return [',
    ),
  });
  await using server = await serve(repository);
  const grpc = new GrpcClient(server.grpc);
  try {
    for (const [value, ready] of [
      [0, false],
      [1, true],
    ] as const) {
      await infer(server, 'moody', [value]);
      const answer = await fetch(`${server.http}/v2/models/moody/ready`);
      assert.equal(answer.status, ready ? 200 : 400);
      assert.equal(await grpc.modelReady('moody'), ready);
    }
  } finally {
    await grpc.close();
  }
});

for (const [kind, wait] of [
  ['a function', ''],
  ['a coroutine', 'async '],
] as const) {
  test(`a model whose execute is ${kind} says while it executes whether it is ready`, LIMIT, async () => {
    await using repository = makeRepository();
    const event = wait === '' ? 'threading.Event()' : 'asyncio.Event()';
    const waiting = wait === '' ? 'self.asked.wait(20)' : 'await asyncio.wait_for(self.asked.wait(), 20)';
    repository.write('busy', {
      'config.pbtxt': config('INT32'),
      '1/model.py': `import asyncio, threading
${IMPORTS}
class TritonPythonModel:
    def initialize(self, args):
        self.is_busy, self.asked = False, ${event}

    ${wait}def is_ready(self):
        if self.is_busy:
            self.asked.set()
        return self.is_busy

    ${wait}def execute(self, requests):
        self.is_busy = True
        was_asked = np.array([${waiting}], dtype=np.int32)
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", was_asked)]) for _ in requests]
`,
    });
    await using server = await serve(repository);
    const answer = infer(server, 'busy', [0]);
    while (!(await fetch(`${server.http}/v2/models/busy/ready`)).ok);
    assert.deepEqual((await answer).asNumbers('OUT'), [1]);
  });
}

test('the command that starts Python is named when it is not there', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('echo', { 'config.pbtxt': config('INT32'), '1/model.py': ECHO });
  await assert.rejects(
    startServer(repository.path, '--backend-config=python,interpreter=no-such-python'),
    /can't be started: there is no Python 'no-such-python': install it, or name another with/,
  );
});

test('the processes end with the server', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('echo', { 'config.pbtxt': config('INT32'), '1/model.py': ECHO });
  const server = await serve(repository);
  const stubs = stubsOf(server);
  assert.equal(await server.stop(), 0);
  for (const pid of stubs)
    assert.throws(() => execFileSync('kill', ['-0', String(pid)], { stdio: 'ignore' }));
});
