/** What must hold although the way to a Python model is a short one: whose bytes a model sees, and who wakes it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GrpcClient, HttpClient, InferInput, type InferenceClient } from '@nereid/client';
import { pythonVenv } from '../python/venv.ts';
import { makeRepository } from '../server/make-repository.ts';
import { IMPORTS, pythonConfig as config, servePython as serve } from '../server/python-models.ts';
import { startServer } from '../server/start-server.ts';
import { withClient } from '../server/with-client.ts';

const LIMIT = { timeout: 60_000 };

/** Large enough for shared memory. */
const LENGTH = 1 << 18;

function filled(value: number): InferInput {
  return InferInput.from('IN', new Float32Array(LENGTH).fill(value));
}

test('large tensors that a model keeps stay as they were', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('keeper', {
    'config.pbtxt': config('FP32'),
    '1/model.py': `${IMPORTS}
class TritonPythonModel:
    def initialize(self, args):
        self.kept = []

    def execute(self, requests):
        for request in requests:
            self.kept.append(request.inputs()[0].as_numpy()[1:])
        array = np.array([kept.mean() for kept in self.kept], np.float32)
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", array)]) for _ in requests]
`,
  });
  await using server = await serve(repository);
  await withClient(server, async (client) => {
    let found: unknown;
    for (const value of [1, 2, 3, 4])
      found = (await client.infer('keeper', [filled(value)])).output('OUT', 'FP32');
    assert.deepEqual(found, Float32Array.of(1, 2, 3, 4));
  });
});

/** The interpreter of a system without memory files, on which large tensors take the socket as small ones do. */
function withoutMemoryFiles(folder: string): string {
  mkdirSync(folder);
  writeFileSync(join(folder, 'sitecustomize.py'), 'import os\n\ndel os.memfd_create\n');
  const interpreter = join(folder, 'python');
  const run = `PYTHONPATH='${folder}' exec '${pythonVenv()}' "$@"`;
  writeFileSync(interpreter, `#!/bin/sh\n${run}\n`, { mode: 0o755 });
  return interpreter;
}

for (const hasMemoryFiles of [true, false]) {
  const way = hasMemoryFiles ? 'through shared memory' : 'where there are no memory files';
  test(`large outputs are those of their own request, ${way}`, LIMIT, async () => {
    await using repository = makeRepository();
    repository.write('twice', {
      'config.pbtxt': config('FP32'),
      '1/model.py': `import os
${IMPORTS}
class TritonPythonModel:
    def initialize(self, args):
        assert hasattr(os, "memfd_create") == ${hasMemoryFiles ? 'True' : 'False'}

    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", r.inputs()[0].as_numpy() * 2)]) for r in requests]
`,
    });
    const interpreter = hasMemoryFiles ? pythonVenv() : withoutMemoryFiles(`${repository.path}-python`);
    await using server = await startServer(
      repository.path,
      `--backend-config=python,interpreter=${interpreter}`,
    );
    await withClient(server, async (client) => {
      const values = Array.from({ length: 12 }, (_, index) => index);
      const outputs = await Promise.all(
        values.map(async (value) => (await client.infer('twice', [filled(value)])).output('OUT', 'FP32')),
      );
      assert.deepEqual(
        outputs.map((output) => [output[0], output[LENGTH - 1]]),
        values.map((value) => [2 * value, 2 * value]),
      );
    });
  });
}

/** Adds one in place, and to that what memory file its input lies in: 1 of the process, 2 of the server. */
const IN_PLACE = `${IMPORTS}
FILES = {"nereid-inputs": 1, "nereid-buffer": 2}

def file_of(array):
    address = array.__array_interface__["data"][0]
    for line in open("/proc/self/maps"):
        start, end = (int(number, 16) for number in line.split()[0].split("-"))
        if start <= address < end:
            return next((number for name, number in FILES.items() if name in line), 0)

class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            array = request.inputs()[0].as_numpy()
            assert array.flags.aligned and array.flags.writeable
            array += 1
            array[0] = file_of(array)
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("OUT", array)]))
        return responses
`;

test('an input may be written to, wherever it lies', LIMIT, async () => {
  await using repository = makeRepository();
  const limit = 'parameters { key: "MEMORY_LIMIT_BYTES" value: { string_value: "1000000000" } }';
  repository.write('in_place', { 'config.pbtxt': config('FP32'), '1/model.py': IN_PLACE });
  repository.write('limited', { 'config.pbtxt': config('FP32', limit), '1/model.py': IN_PLACE });
  await using server = await serve(repository);
  await withClient(server, async (client) => {
    const small = await client.infer('in_place', [InferInput.from('IN', new Float32Array([1, 2]))]);
    assert.deepEqual(small.output('OUT', 'FP32'), Float32Array.of(0, 3));
    const expectLarge = async (model: string, file: number): Promise<void> => {
      for (const value of [5, 6, 7]) {
        const large = await client.infer(model, [filled(value)]);
        const expected = new Float32Array(LENGTH).fill(value + 1);
        // The first large body comes before the server knows that others want to read it.
        expected[0] = value === 5 ? 1 : file;
        assert.deepEqual(large.output('OUT', 'FP32'), expected);
      }
    };
    await expectLarge('in_place', 2);
    // What is borrowed would count as the model's own.
    const limited = await client.infer('limited', [filled(5)]);
    assert.equal(limited.output('OUT', 'FP32')[0], 1);
  });
});

test('large tensors that are under way at the same time are not mixed up', LIMIT, async () => {
  await using repository = makeRepository();
  const batching = 'max_batch_size: 4\ndynamic_batching { max_queue_delay_microseconds: 2000 }\n';
  const negated = `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", -r.inputs()[0].as_numpy())]) for r in requests]
`;
  const identity = config('FP32').replace('"python"', '"identity"');
  const cache = 'response_cache { enable: true }\n';
  repository.write('negated', { 'config.pbtxt': config('FP32'), '1/model.py': negated });
  repository.write('batched', { 'config.pbtxt': config('FP32', batching), '1/model.py': negated });
  repository.write('cached', { 'config.pbtxt': config('FP32', cache), '1/model.py': negated });
  repository.write('same', { 'config.pbtxt': identity, '1/.keep': '' });
  repository.write('same_cached', { 'config.pbtxt': identity + cache, '1/.keep': '' });
  const step = (model: string, from: string, to: string): string =>
    `{ model_name: "${model}" model_version: -1 input_map { key: "IN" value: "${from}" } output_map { key: "OUT" value: "${to}" } }`;
  repository.write('chain', {
    'config.pbtxt': `platform: "ensemble"
input [ { name: "IN" data_type: TYPE_FP32 dims: [ -1 ] } ]
output [ { name: "OUT" data_type: TYPE_FP32 dims: [ -1 ] } ]
ensemble_scheduling { step [ ${step('same', 'IN', 'A')}, ${step('negated', 'A', 'B')}, ${step('same', 'B', 'OUT')} ] }`,
    '1/.keep': '',
  });
  await using server = await serve(repository, '--cache-config=local,size=20000000');
  const clients: InferenceClient[] = [new HttpClient(server.http), new GrpcClient(server.grpc)];
  const ask = async (client: InferenceClient, model: string, value: number): Promise<void> => {
    const array = Float32Array.from({ length: LENGTH }, (_, index) => value + index);
    const shape = model === 'batched' ? [1, LENGTH] : [LENGTH];
    const found = (await client.infer(model, [InferInput.from('IN', array, shape)])).output('OUT', 'FP32');
    const sign = model.startsWith('same') ? 1 : -1;
    const expected = array.map((element) => sign * element);
    assert.deepEqual(found, expected, `${model}, request ${value}`);
  };
  const askAll = async (client: InferenceClient, model: string, first: number): Promise<void> => {
    for (let value = first; value < 12; value += 3) await ask(client, model, value % 5);
  };
  const models = ['negated', 'batched', 'cached', 'same', 'same_cached', 'chain'];
  const asking = clients.flatMap((client) =>
    models.flatMap((model) => [0, 1, 2].map((first) => askAll(client, model, first))),
  );
  await Promise.all(asking).finally(() => Promise.all(clients.map((client) => client.close())));
});

test('a tensor that two models write to is for each as it came', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('in_place', { 'config.pbtxt': config('FP32'), '1/model.py': IN_PLACE });
  const step = (output: string): string =>
    `{ model_name: "in_place" model_version: -1 input_map { key: "IN" value: "IN" } output_map { key: "OUT" value: "${output}" } }`;
  repository.write('both', {
    'config.pbtxt': `platform: "ensemble"
input [ { name: "IN" data_type: TYPE_FP32 dims: [ -1 ] } ]
output [ { name: "A" data_type: TYPE_FP32 dims: [ -1 ] }, { name: "B" data_type: TYPE_FP32 dims: [ -1 ] } ]
ensemble_scheduling { step [ ${step('A')}, ${step('B')} ] }`,
    '1/.keep': '',
  });
  await using server = await serve(repository);
  await withClient(server, async (client) => {
    for (const value of [1, 2, 3, 4]) {
      const answer = await client.infer('both', [filled(value)]);
      for (const output of ['A', 'B'])
        assert.deepEqual(
          answer.output(output, 'FP32').subarray(1),
          new Float32Array(LENGTH - 1).fill(value + 1),
        );
    }
  });
});

test('threads of a model that call others are all answered', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('identity_fp32');
  repository.write('threads', {
    'config.pbtxt': config('FP32'),
    '1/model.py': `${IMPORTS}
from concurrent.futures import ThreadPoolExecutor

class TritonPythonModel:
    def initialize(self, args):
        self.pool = ThreadPoolExecutor(4)

    def execute(self, requests):
        values = list(self.pool.map(self.call, range(200)))
        array = np.array(values, np.float32)
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", array)]) for _ in requests]

    def call(self, value):
        tensor = pb_utils.Tensor("X", np.array([[value]], dtype=np.float32))
        called = pb_utils.InferenceRequest(model_name="identity_fp32", requested_output_names=["Y"], inputs=[tensor]).exec()
        return called.output_tensors()[0].as_numpy()[0][0]
`,
  });
  await using server = await serve(repository);
  await withClient(server, async (client) => {
    const result = await client.infer('threads', [InferInput.from('IN', new Float32Array([0]))]);
    assert.deepEqual(
      result.output('OUT', 'FP32'),
      Float32Array.from({ length: 200 }, (_, index) => index),
    );
  });
});

test('a request has the timeout that its client gave it', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('timeout', {
    'config.pbtxt': config('INT32'),
    '1/model.py': `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor("OUT", np.array([r.timeout()], np.int32))]) for r in requests
        ]
`,
  });
  await using server = await serve(repository);
  await withClient(server, async (client) => {
    const input = InferInput.from('IN', new Int32Array([0]));
    const timeoutOf = async (timeoutUs: number): Promise<number | undefined> =>
      (await client.infer('timeout', [input], { timeoutUs })).output('OUT', 'INT32')[0];
    assert.equal(await timeoutOf(5_000_000), 5_000_000);
    assert.equal(await timeoutOf(0), 0);
  });
});
