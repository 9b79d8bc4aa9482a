import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { InferInput } from '@nereid/client';
import { assertAnswered } from '../cases.ts';
import { serveFrameworkModels, type FrameworkServer } from '../framework-server.ts';

const LIMIT = { timeout: 120_000 };

let server: FrameworkServer;
before(
  async () => {
    const settings = ['default-max-batch-size=6', 'gpu-memory-fraction=0.5', 'version=2'];
    server = await serveFrameworkModels('tensorflow', ...settings);
  },
  // The first time, its packages are installed: gigabytes, of some frameworks.
  { timeout: 900_000 },
);
after(() => server.close());

test('a GPU that TensorFlow does not see is named, with what to do', LIMIT, async () => {
  assert.match(
    await server.gpuError('completed', {}),
    /model 'completed': .* GPU 0 \(KIND_GPU\), but TensorFlow \S+ sees 0 GPUs: use KIND_CPU, or install a TensorFlow/,
  );
});

test('every model answers as TensorFlow itself does', { timeout: 300_000 }, async (t) => {
  for (const [model, cases] of Map.groupBy(server.cases, (one) => one.model)) {
    await t.test(model, () =>
      server.withModel(model, async (client) => {
        for (const one of cases) await assertAnswered(client, one);
      }),
    );
  }
});

const tensor = (name: string, datatype: string, ...shape: readonly number[]) => ({ name, datatype, shape });

for (const { what, model, maxBatchSize, inputs, outputs } of [
  {
    what: 'a model without configuration gets its tensors, a batch and the dynamic batcher',
    model: 'completed',
    maxBatchSize: 6,
    inputs: [tensor('x', 'FP32', -1, 4)],
    outputs: [tensor('output_0', 'FP32', -1, 3)],
  },
  {
    what: 'a row that is one element is one dimension of 1',
    model: 'strings',
    maxBatchSize: 6,
    inputs: [tensor('text', 'BYTES', -1, 1)],
    outputs: [tensor('loud', 'BYTES', -1, 1), tensor('number', 'INT64', -1, 1)],
  },
  {
    what: 'of a listed output what is missing is completed, and the others are not wanted',
    model: 'second',
    maxBatchSize: 6,
    inputs: [tensor('a', 'FP32', -1, 2), tensor('b', 'FP32', -1, 2)],
    outputs: [tensor('sum', 'FP32', -1, 2)],
  },
  {
    what: 'a first dimension of one size is no batch',
    model: 'fixed',
    maxBatchSize: 0,
    inputs: [tensor('x', 'FP32', 2, 3)],
    outputs: [tensor('y', 'FP32', 3, 2)],
  },
  {
    what: 'a first dimension of any size that the configuration has, too, is no batch',
    model: 'any_size',
    maxBatchSize: 0,
    inputs: [tensor('x', 'FP32', -1, 2)],
    outputs: [tensor('y', 'FP32', -1, 2)],
  },
]) {
  test(what, LIMIT, async () => {
    await server.withModel(model, async (client) => {
      const config = await client.modelConfig(model);
      assert.deepEqual(
        [config['max_batch_size'], config['dynamic_batching'] !== undefined],
        [maxBatchSize, maxBatchSize > 0],
      );
      const metadata = await client.modelMetadata(model);
      assert.deepEqual([metadata.inputs, metadata.outputs], [inputs, outputs]);
    });
  });
}

test('requests that wait together are one execution, and each gets its own rows', LIMIT, async () => {
  const cases = server.cases.filter(({ model }) => model === 'tuned');
  await server.withModel('tuned', async (client) => {
    await Promise.all(cases.map((one) => assertAnswered(client, one)));
    const [statistics] = await client.modelStatistics('tuned');
    assert.equal(Number(statistics?.inference_count), 8);
    assert.equal(Number(statistics?.execution_count), 1);
  });
  assert.match(server.output(), /'MAX_SESSION_SHARE_COUNT' has no effect: each instance is a process/);
});

test(
  'what an operation refuses is the error of the request, and the next one is answered',
  LIMIT,
  async () => {
    await server.withModel('fails', async (client) => {
      const ask = (value: number) =>
        client.infer('fails', [InferInput.from('x', new Float32Array([value]), [1, 1])]);
      await assert.rejects(ask(-1), /model 'fails': assertion failed: \[x must be above 0\]/);
      assert.deepEqual(await ask(2).then((result) => [...result.output('y', 'FP32')]), [2]);
    });
  },
);

test('what fails in the graph is told without the places in it', LIMIT, async () => {
  const config = { backend: 'tensorflow', ...parameter('TF_GRAPH_TAG', 'old') };
  const ask = async () => {
    await server.withModel(
      'old',
      (client) => client.infer('old', [InferInput.from('x', new Float32Array([1, 2]), [1, 2])]),
      config,
    );
  };
  // The operation that fills the variable has not run.
  await assert.rejects(ask, {
    message: "model 'old': Attempting to use uninitialized value offset",
    code: 'INTERNAL',
  });
});

test('the steps of a sequence have its controls and its state', LIMIT, async () => {
  await server.withModel('sequence', async (client) => {
    const step = async (value: number, flags: object) => {
      const input = InferInput.from('x', new Float32Array([value]), [1, 1]);
      const result = await client.infer('sequence', [input], { sequence: { id: 7, ...flags } });
      return result.output('total', 'FP32')[0];
    };
    const totals = [await step(1, { start: true }), await step(2, {}), await step(3, { end: true })];
    assert.deepEqual(totals, [1, 3, 6]);
    assert.equal(await step(5, { start: true, end: true }), 5);
  });
});

const X = { name: 'x', data_type: 'TYPE_FP32', dims: [4] };
const Y = { name: 'output_0', data_type: 'TYPE_FP32', dims: [3] };
const COMPLETE = { max_batch_size: 4, input: [X], output: [Y] };
const parameter = (name: string, text: string) => ({ parameters: { [name]: { string_value: text } } });

for (const { what, model = 'completed', config, message } of [
  {
    what: 'a GraphDef',
    model: 'graphdef',
    config: { platform: 'tensorflow_graphdef', ...COMPLETE },
    message: /platform 'tensorflow_graphdef' can't be served: .+Make it a SavedModel/,
  },
  {
    what: 'a file in place of a folder',
    model: 'a_file',
    config: {},
    message: /expected the folder of a SavedModel at .+model\.savedmodel, found a file/,
  },
  {
    what: 'a file of Keras',
    model: 'keras_file',
    config: {},
    message: /expected the folder of a SavedModel at .+, found model\.keras: make it one with model\.export/,
  },
  {
    what: 'a folder without its variables',
    model: 'no_variables',
    config: {},
    message: /model 'no_variables': TensorFlow can't load .+model\.savedmodel: .+variables/,
  },
  {
    what: 'a file that is no graph',
    model: 'no_graph',
    config: {},
    message: /model 'no_graph': .+model\.savedmodel is no SavedModel: Cannot parse file/,
  },
  {
    what: 'a folder that is not there',
    config: { default_model_filename: 'other' },
    message: /expected the folder of a SavedModel at .+other, found model\.savedmodel/,
  },
  {
    what: 'a signature that the model does not have',
    config: parameter('TF_SIGNATURE_DEF', 'classify'),
    message: /expected signature 'classify', found serve, serving_default: set parameter TF_SIGNATURE_DEF/,
  },
  {
    what: 'a choice of signatures without serving_default',
    model: 'unnamed',
    config: {},
    message: /expected signature 'serving_default', found one, two: set parameter TF_SIGNATURE_DEF/,
  },
  {
    what: 'a tag that the model does not have',
    config: parameter('TF_GRAPH_TAG', 'gpu'),
    message: /expected a graph with tag 'gpu' \(parameter TF_GRAPH_TAG\), found serve/,
  },
  {
    what: 'a number of threads that is none',
    config: parameter('TF_NUM_INTRA_THREADS', 'many'),
    message: /parameter 'TF_NUM_INTRA_THREADS': expected an integer of at least 0, found 'many'/,
  },
  {
    what: 'a file of operations that is not there',
    config: { ...COMPLETE, ...parameter('TF_INIT_OPS_FILE', 'none.json') },
    message: /'TF_INIT_OPS_FILE': there is no .+1\/none\.json and no .+completed\/none\.json/,
  },
  {
    what: 'a library of operations that is not there',
    config: { model_operations: { op_library_filename: ['/none.so'] } },
    message: /model_operations: TensorFlow can't load \/none\.so: .+/,
  },
  {
    what: 'an operation that TensorFlow does not have',
    model: 'operations',
    config: {},
    message: /TensorFlow can't load .+model\.savedmodel: Op type not registered 'NereidTriple'/,
  },
  {
    what: 'an instance on a GPU',
    config: { instance_group: [{ kind: 'KIND_GPU', gpus: [63] }] },
    message: /unsupported gpu id 63/,
  },
  {
    what: 'an input of another datatype than the model has',
    config: { ...COMPLETE, input: [{ ...X, data_type: 'TYPE_INT32' }] },
    message: /input 'x': the configuration has TYPE_INT32 \[-1, 4\], the model TYPE_FP32 \[-1, 4\]/,
  },
  {
    what: 'an output of another shape than the model has',
    config: { ...COMPLETE, output: [{ ...Y, dims: [2, 3] }] },
    message: /output 'output_0': the configuration has TYPE_FP32 \[-1, 2, 3\], the model TYPE_FP32 \[-1, 3\]/,
  },
  {
    what: 'an output that the model does not have',
    config: { ...COMPLETE, output: [{ ...Y, name: 'z' }] },
    message: /output 'z' is not in the signature, which has output_0/,
  },
  {
    what: 'dims of which some have a batch and some have not',
    config: { input: [X], output: [{ ...Y, dims: [-1, 3] }] },
    message: /leave out the first dimension .+\('x' without, 'output_0' with\): set max_batch_size/,
  },
  {
    what: 'a batch around a model that has none',
    model: 'fixed',
    config: { max_batch_size: 2 },
    message:
      /input 'x': max_batch_size 2 needs a batch of any size as first dimension, the model has \[2, 3\]/,
  },
  {
    what: 'an input that may be left out',
    config: { ...COMPLETE, input: [{ ...X, optional: true }] },
    message: /input 'x' is optional, but TensorFlow needs all inputs of a signature/,
  },
  {
    what: 'rows of different lengths',
    config: { ...COMPLETE, input: [{ ...X, allow_ragged_batch: true }] },
    message: /can't serve allow_ragged_batch of input 'x': requests of a batch need equal dims/,
  },
  {
    what: 'a shape of which nothing is known',
    model: 'unknown_rank',
    config: {},
    message: /the shape of 'x' is not in the model: say its dims in config\.pbtxt/,
  },
  {
    what: 'a datatype that tensors do not have',
    model: 'complex',
    config: {},
    message: /input 'x' is of TensorFlow's type complex64, which is no datatype of a tensor/,
  },
]) {
  test(`${what} stops the load with a message that says so`, LIMIT, async () => {
    assert.match(await server.loadError(model, { backend: 'tensorflow', ...config }), message);
  });
}
