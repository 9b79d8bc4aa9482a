import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { HttpClient } from '@nereid/client';
import { assertAnswered } from '../cases.ts';
import { serveFrameworkModels, type FrameworkServer } from '../framework-server.ts';

const LIMIT = { timeout: 120_000 };

let server: FrameworkServer;
before(
  async () => {
    const settings = ['default-max-batch-size=6', 'INFERENCE_NUM_THREADS=1', 'INFERENCE_PRECISION_HINT=f32'];
    server = await serveFrameworkModels('openvino', ...settings);
  },
  // The first time, its packages are installed: gigabytes, of some frameworks.
  { timeout: 900_000 },
);
after(() => server.close());

test('every model answers as OpenVINO itself does', { timeout: 300_000 }, async (t) => {
  for (const [model, cases] of Map.groupBy(server.cases, (one) => one.model)) {
    await t.test(model, () =>
      server.withModel(model, async (client) => {
        for (const one of cases) await assertAnswered(client, one);
      }),
    );
  }
});

test('a model without configuration gets its tensors, a batch and the dynamic batcher', LIMIT, async () => {
  await server.withModel('completed', async (client) => {
    const config = await client.modelConfig('completed');
    assert.equal(config['max_batch_size'], 6);
    assert.ok(config['dynamic_batching']);
    const { inputs, outputs } = await client.modelMetadata('completed');
    assert.deepEqual(
      [inputs, outputs],
      [[{ name: 'x', datatype: 'FP32', shape: [-1, 4] }], [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }]],
    );
  });
});

test('a row that is one element is one dimension of 1, and so is a scalar', LIMIT, async () => {
  const shapes = async (client: HttpClient, model: string) => {
    const { inputs, outputs } = await client.modelMetadata(model);
    return [...inputs, ...outputs].map(({ name, shape }) => [name, shape]);
  };
  await server.withModel('elements', async (client) => {
    assert.deepEqual(await shapes(client, 'elements'), [
      ['x', [-1, 1]],
      ['y', [-1, 1]],
    ]);
  });
  await server.withModel('scalars', async (client) => {
    assert.deepEqual(await shapes(client, 'scalars'), [
      ['x', [-1]],
      ['factor', [1]],
      ['scaled', [-1]],
      ['total', [1]],
    ]);
  });
});

test('a size of the batch in the configuration brings the dynamic batcher, too', LIMIT, async () => {
  await server.withModel('pair', async (client) => {
    const config = await client.modelConfig('pair');
    assert.equal(config['max_batch_size'], 2);
    assert.ok(config['dynamic_batching']);
  });
});

test('a parameter that the device does not have is left out, and the log says so', LIMIT, async () => {
  await server.withModel('completed', () => Promise.resolve(), {
    backend: 'openvino',
    parameters: { COMPILATION_NUM_THREADS: { string_value: '1' } },
  });
  assert.match(
    server.output(),
    /model 'completed': parameter 'COMPILATION_NUM_THREADS' has no effect: device CPU has no /,
  );
});

test('an instance on a GPU is refused, with the way that OpenVINO has', LIMIT, async () => {
  assert.match(
    await server.gpuError('completed', {}),
    /model 'completed': .* GPU 0 \(KIND_GPU\), but OpenVINO has no such: use KIND_CPU, and parameter TARGET_DEVICE/,
  );
});

test('a setting of the backend holds for models without the parameter of its name', LIMIT, async () => {
  await server.withModel('completed', () => Promise.resolve());
  assert.match(server.output(), /model 'completed' is compiled for CPU: .*INFERENCE_NUM_THREADS 1\b/);
  await server.withModel('completed', () => Promise.resolve(), {
    backend: 'openvino',
    parameters: { INFERENCE_NUM_THREADS: { string_value: '2' } },
  });
  assert.match(server.output(), /model 'completed' is compiled for CPU: .*INFERENCE_NUM_THREADS 2\b/);
});

test(
  'the precision is that of the model, in OpenVINO or Triton words, before that of the backend',
  LIMIT,
  async () => {
    for (const [name, text, precision] of [
      ['INFERENCE_PRECISION_HINT', 'BF16', 'bfloat16'],
      ['HINT_BF16', 'yes', 'float'],
    ] as const) {
      await server.withModel('completed', () => Promise.resolve(), {
        backend: 'openvino',
        parameters: { [name]: { string_value: text } },
      });
      assert.match(
        server.output(),
        new RegExp(`is compiled for CPU: .*INFERENCE_PRECISION_HINT .*${precision}`),
      );
    }
  },
);

test('requests that wait together are one execution, and each gets its own rows', LIMIT, async () => {
  const cases = server.cases.filter(({ model }) => model === 'tuned');
  await server.withModel('tuned', async (client) => {
    await Promise.all(cases.map((one) => assertAnswered(client, one)));
    const [statistics] = await client.modelStatistics('tuned');
    assert.equal(Number(statistics?.inference_count), 8);
    assert.equal(Number(statistics?.execution_count), 1);
  });
});

test('a model of one batch size says so to a request of another, unless it is padded', LIMIT, async () => {
  const one = server.cases.find(({ model }) => model === 'padded');
  assert.ok(one);
  await server.withModel('fixed', async (client) => {
    await assert.rejects(
      assertAnswered(client, { ...one, model: 'fixed' }),
      /takes batches of 4 only, found one of 1: set parameter ENABLE_BATCH_PADDING to YES/,
    );
  });
});

const X = { name: 'x', data_type: 'TYPE_FP32', dims: [4] };
const Y = { name: 'y', data_type: 'TYPE_FP32', dims: [3] };
const COMPLETE = { max_batch_size: 4, input: [X], output: [Y] };
const parameter = (name: string, text: string) => ({
  ...COMPLETE,
  parameters: { [name]: { string_value: text } },
});

for (const { what, model = 'completed', config, message } of [
  {
    what: 'a hint that OpenVINO does not have',
    config: parameter('PERFORMANCE_HINT', 'fast'),
    message: /'PERFORMANCE_HINT': expected one of LATENCY, THROUGHPUT, CUMULATIVE_THROUGHPUT, found 'fast'/,
  },
  {
    what: 'a number of streams that is none',
    config: parameter('NUM_STREAMS', 'many'),
    message: /'NUM_STREAMS': expected AUTO, NUMA or a whole number, found 'many'/,
  },
  {
    what: 'a device that is not there',
    config: parameter('TARGET_DEVICE', 'NPU'),
    message: /can't be compiled for device NPU \(TARGET_DEVICE; there are .*CPU/,
  },
  {
    what: 'an extension that is not there',
    config: parameter('CPU_EXTENSION_PATH', '/none.so'),
    message: /'CPU_EXTENSION_PATH': there is no file \/none\.so/,
  },
  {
    what: 'strings for numbers',
    config: { ...COMPLETE, input: [{ ...X, data_type: 'TYPE_STRING' }] },
    message: /input 'x': the configuration has TYPE_STRING \[\?,4\], the model TYPE_FP32 \[\?,4\]/,
  },
  {
    what: 'an output of another shape than the model has',
    config: { ...COMPLETE, output: [{ ...Y, dims: [5] }] },
    message: /output 'y': the configuration has TYPE_FP32 \[\?,5\], the model TYPE_FP32 \[\?,3\]/,
  },
  {
    what: 'an input that the configuration leaves out',
    model: 'pair',
    config: { max_batch_size: 2, input: [{ ...X, name: 'a' }] },
    message: /model 'pair': the configuration has the inputs a, the model needs b, too/,
  },
  {
    what: 'an input that a request may leave out',
    model: 'pair',
    config: {
      max_batch_size: 2,
      input: [
        { ...X, name: 'a' },
        { ...X, name: 'b', optional: true },
      ],
    },
    message: /input 'b' is optional, but OpenVINO needs all inputs of a model/,
  },
  {
    what: 'a model without its weights',
    model: 'no_weights',
    config: {},
    message: /OpenVINO can't read \S+\/model\.xml: Empty weights data in bin file/,
  },
  {
    what: 'a file that is no model',
    model: 'no_model',
    config: {},
    message: /OpenVINO can't read \S+\/model\.xml: Unable to read the model/,
  },
  {
    what: 'an output that the model does not have',
    config: { ...COMPLETE, output: [{ ...Y, name: 'z' }] },
    message: /the model has no output 'z', it has y/,
  },
  {
    what: 'an input of different lengths in one batch',
    config: { ...COMPLETE, input: [{ ...X, allow_ragged_batch: true }] },
    message: /backend 'openvino' can't serve allow_ragged_batch of input 'x': .*remove it/,
  },
  {
    what: 'an input made of the batch',
    config: {
      ...COMPLETE,
      batch_input: [
        { kind: 'BATCH_ELEMENT_COUNT', target_name: ['n'], data_type: 'TYPE_INT32', source_input: ['x'] },
      ],
    },
    message: /backend 'openvino' can't serve batch_input: /,
  },
  {
    what: 'a file that is not there',
    config: { ...COMPLETE, default_model_filename: 'other.onnx' },
    message: /expected other\.onnx in .+, found model\./,
  },
]) {
  test(`${what} stops the load with a message that says so`, LIMIT, async () => {
    assert.match(await server.loadError(model, { backend: 'openvino', ...config }), message);
  });
}
