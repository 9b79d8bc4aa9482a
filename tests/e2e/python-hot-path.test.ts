/** What must hold although the way to a Python model is a short one: whose bytes a model sees, and who wakes it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { InferInput } from '@nereid/client';
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

test('an input may be written to', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('in_place', {
    'config.pbtxt': config('FP32'),
    '1/model.py': `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            array = request.inputs()[0].as_numpy()
            array += 1
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("OUT", array)]))
        return responses
`,
  });
  await using server = await serve(repository);
  await withClient(server, async (client) => {
    const small = await client.infer('in_place', [InferInput.from('IN', new Float32Array([1, 2]))]);
    assert.deepEqual(small.output('OUT', 'FP32'), Float32Array.of(2, 3));
    const large = await client.infer('in_place', [filled(5)]);
    assert.deepEqual(large.output('OUT', 'FP32'), new Float32Array(LENGTH).fill(6));
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
