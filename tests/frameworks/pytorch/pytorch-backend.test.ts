import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { InferInput, type HttpClient } from '@nereid/client';
import { assertAnswered } from '../cases.ts';
import { serveFrameworkModels, type FrameworkServer } from '../framework-server.ts';

const LIMIT = { timeout: 120_000 };

let server: FrameworkServer;
before(
  async () => {
    server = await serveFrameworkModels('pytorch', 'INTRA_OP_THREAD_COUNT=3', 'INTER_OP_THREAD_COUNT=5');
  },
  // The first time, its packages are installed: gigabytes, of some frameworks.
  { timeout: 900_000 },
);
after(() => server.close());

test('every model answers as PyTorch itself does', { timeout: 300_000 }, async (t) => {
  for (const [model, cases] of Map.groupBy(server.cases, (one) => one.model)) {
    await t.test(model, () =>
      server.withModel(model, async (client) => {
        for (const one of cases) await assertAnswered(client, one);
      }),
    );
  }
});

test('requests that wait together are one execution, and each gets its own rows', LIMIT, async () => {
  const cases = server.cases.filter(({ model }) => model === 'convolution');
  await server.withModel('convolution', async (client) => {
    await Promise.all(cases.map((one) => assertAnswered(client, one)));
    const [statistics] = await client.modelStatistics('convolution');
    assert.equal(Number(statistics?.inference_count), 8);
    assert.equal(Number(statistics?.execution_count), 1);
  });
});

test('what forward raises is the error of the request, and the next one is answered', LIMIT, async () => {
  await server.withModel('fails', async (client) => {
    const ask = (value: number) =>
      client.infer('fails', [InferInput.from('x', new Float32Array([1, value]), [1, 2])]);
    await assert.rejects(ask(-1), /negative values/);
    assert.deepEqual(await ask(2).then((result) => [...result.output('y', 'FP32')]), [1, 2]);
  });
});

test('what TorchScript says of a failure is told without the code in it', LIMIT, async () => {
  await server.withModel('matrix', async (client) => {
    const input = InferInput.from('x', new Float32Array(2), [1, 2]);
    await assert.rejects(client.infer('matrix', [input]), {
      message: /^RuntimeError: .*shapes cannot be multiplied \(1x2 and 3x2\)$/,
      code: 'INTERNAL',
    });
  });
});

test('parameters of older releases are accepted, and the log says which do nothing', LIMIT, async () => {
  const config = {
    backend: 'pytorch',
    ...PAIR,
    output: [
      { ...ONE, name: 'LESS' },
      { ...ONE, name: 'LARGER', data_type: 'TYPE_INT64' },
    ],
    parameters: { ENABLE_NVFUSER: { string_value: 'true' }, ENABLE_TENSOR_FUSER: { string_value: 'false' } },
  };
  await server.withModel('by_argument', () => Promise.resolve(), config);
  assert.match(server.output(), /model 'by_argument': parameter 'ENABLE_NVFUSER' has no effect/);
  assert.doesNotMatch(server.output(), /parameter 'ENABLE_TENSOR_FUSER'/);
});

test('requests of different lengths are one call of forward, with what tells them apart', LIMIT, async () => {
  await server.withModel('ragged', async (client) => {
    const ask = (row: readonly number[]) =>
      client.infer('ragged', [InferInput.from('values', new Float32Array(row), [1, row.length])]);
    const answers = await Promise.all([[1, 2], [3], [4, 5, 6]].map(ask));
    assert.deepEqual(
      answers.map((answer) => [[...answer.output('DOUBLED', 'FP32')], [...answer.output('SUM', 'FP32')]]),
      [
        [[2, 4], [3]],
        [[6], [3]],
        [[8, 10, 12], [15]],
      ],
    );
    const [statistics] = await client.modelStatistics('ragged');
    assert.equal(Number(statistics?.execution_count), 1);
  });
});

const THREADS = {
  backend: 'pytorch',
  input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [1] }],
  output: [{ name: 'counts', data_type: 'TYPE_INT64', dims: [2] }],
};

for (const { what, parameters, counts } of [
  { what: 'without parameters', parameters: {}, counts: [3n, 5n] },
  {
    what: 'with one of them',
    parameters: { INTER_OP_THREAD_COUNT: { string_value: '2' } },
    counts: [3n, 2n],
  },
  { what: 'with its other name', parameters: { NUM_THREADS: { string_value: '2' } }, counts: [2n, 5n] },
]) {
  test(`a model ${what} has the threads of the backend's settings where it says nothing`, LIMIT, async () => {
    const ask = async (client: HttpClient) =>
      client.infer('threads', [InferInput.from('x', new Float32Array(1))]);
    const result = await server.withModel('threads', ask, { ...THREADS, parameters });
    assert.deepEqual([...result.output('counts', 'INT64')], counts);
  });
}

const ONE = { name: 'x', data_type: 'TYPE_FP32' as const, dims: [2] };
const PAIR = {
  input: [
    { ...ONE, name: 'a' },
    { ...ONE, name: 'b' },
  ],
  output: [{ ...ONE, name: 'LESS' }],
};
const parameter = (name: string, text: string) => ({ parameters: { [name]: { string_value: text } } });

for (const { what, model, config, message } of [
  {
    what: 'a configuration without tensors',
    model: 'by_argument',
    config: {},
    message:
      /has no input and no output.+add name, data_type and dims.+forward takes \(a: tensor, b: tensor\)/,
  },
  {
    what: 'an input too few',
    model: 'by_argument',
    config: { ...PAIR, input: [ONE] },
    message: /forward takes \(a, b\), the configuration has the inputs \(x\): name them as the arguments/,
  },
  {
    what: 'a file of weights without a class',
    model: 'weights_alone',
    config: PAIR,
    message: /model\.pt is not TorchScript .+put the class of the model into a \.py of the same name/,
  },
  {
    what: 'a file that is not there',
    model: 'by_argument',
    config: { ...PAIR, default_model_filename: 'other.pt' },
    message: /there is no .+other\.pt: expected a TorchScript file/,
  },
  {
    what: 'a file of weights that holds something else',
    model: 'unreadable',
    config: PAIR,
    message:
      /model\.pt has no weights that can be read \(.+\): write it with torch\.save\(model\.state_dict\(\), …\)/,
  },
  {
    what: 'a file of safetensors that holds something else',
    model: 'unreadable',
    config: { ...PAIR, default_model_filename: 'other.py' },
    message:
      /other\.safetensors has no weights that can be read \(.+\): write it with safetensors\.torch\.save_file/,
  },
  {
    what: 'a class that wants arguments',
    model: 'arguments',
    config: PAIR,
    message: /model\.py: Same\(\) failed: .+'size'\. It is made without arguments: give them defaults/,
  },
  {
    what: 'code that is no Python',
    model: 'syntax',
    config: PAIR,
    message: /\/syntax\/1\/model\.py, line 3: expected ':'/,
  },
  {
    what: 'a package that is not installed',
    model: 'lacks_package',
    config: PAIR,
    message:
      /No module named 'nobody_has_this': install it for the Python \S+, which with requirements=ignore must also have what \S+ asks for/,
  },
  {
    what: 'a parameter that is no number',
    model: 'by_argument',
    config: { ...PAIR, ...parameter('INTRA_OP_THREAD_COUNT', 'many') },
    message: /parameter 'INTRA_OP_THREAD_COUNT': expected an integer of at least 1, found 'many'/,
  },
  {
    what: 'options of torch.compile that are no object',
    model: 'compiled',
    config: { ...PAIR, ...parameter('TORCH_COMPILE_OPTIONAL_PARAMETERS', '[]') },
    message: /'TORCH_COMPILE_OPTIONAL_PARAMETERS': expected a JSON object/,
  },
  {
    what: 'torch.compile for TorchScript',
    model: 'by_argument',
    config: { ...PAIR, ...parameter('TORCH_COMPILE_OPTIONAL_PARAMETERS', '{}') },
    message: /is for models in Python, this one is TorchScript/,
  },
  {
    what: 'a class that the file does not have',
    model: 'module',
    config: { ...PAIR, ...parameter('MODEL_CLASS', 'Other') },
    message: /expected a torch.nn.Module named Other \(parameter MODEL_CLASS\), found Regression/,
  },
  {
    what: 'an argument that is no tensor and has an input',
    model: 'defaults',
    config: {
      input: [
        { ...ONE, name: 'x' },
        { ...ONE, name: 'factor' },
      ],
      output: [{ ...ONE, name: 'y' }],
    },
    message: /argument 'factor' of forward is of type float: expected Tensor, List\[str\]/,
  },
  {
    what: 'strings for a tensor',
    model: 'matrix',
    config: { input: [{ ...ONE, name: 'input', data_type: 'TYPE_STRING' }], output: [{ ...ONE, name: 'y' }] },
    message: /argument 'input' of forward is a tensor, the configuration has TYPE_STRING for input 'input'/,
  },
  {
    what: 'an operator that is not there',
    model: 'lacks_operator',
    config: {},
    message:
      /needs operator nereid_triple::triple, which this Python has not \(.+\): name its package in a requirements\.txt/,
  },
  {
    what: 'a library of operators that is not there',
    model: 'lacks_operator',
    config: { model_operations: { op_library_filename: ['/none.so'] } },
    message: /model_operations: PyTorch can't load \/none\.so: /,
  },
  {
    what: 'a file that is cut off',
    model: 'cut_off',
    config: {},
    message: /model\.pt is not TorchScript \(.*failed finding central directory\): write it with/,
  },
  {
    what: 'a GPU that is not there',
    model: 'by_argument',
    config: { ...PAIR, instance_group: [{ kind: 'KIND_GPU', gpus: [63] }] },
    message: /unsupported gpu id 63/,
  },
]) {
  test(`${what} stops the load with a message that says so`, LIMIT, async () => {
    assert.match(await server.loadError(model, { backend: 'pytorch', ...config }), message);
  });
}

test('a GPU that PyTorch does not see is named, with what to do', LIMIT, async () => {
  assert.match(
    await server.gpuError('by_argument', PAIR),
    /model 'by_argument': an instance is to run on GPU 0 \(KIND_GPU\), but PyTorch \S+ sees 0 GPUs: use KIND_CPU, or install a PyTorch/,
  );
});

test(
  'an output of another datatype than the configuration has is an error that names both',
  LIMIT,
  async () => {
    const config = {
      backend: 'pytorch',
      input: [ONE],
      output: [{ ...ONE, name: 'y', data_type: 'TYPE_INT32' }],
    };
    await server.withModel(
      'in_place',
      async (client) => {
        const input = InferInput.from('x', new Float32Array([1, 2]));
        await assert.rejects(
          client.infer('in_place', [input]),
          /output 'y': the configuration has TYPE_INT32, the model gives TYPE_FP32/,
        );
      },
      config,
    );
  },
);
