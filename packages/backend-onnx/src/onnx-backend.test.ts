import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createTensor, toConfigDatatype, type Datatype, type Tensor } from '@nereid/backend-sdk';
import {
  createTestHost,
  describeBackend,
  type TestHostOptions,
  type TestModel,
  type TestModelInit,
  type TestRequest,
} from '@nereid/backend-sdk/testing';
import { onnxBackend } from './onnx-backend.ts';

const MODELS = join(import.meta.dirname, '../test/models');

describeBackend('ONNX backend conformance', {
  backend: onnxBackend,
  model: model('add_sub', { max_batch_size: 8 }),
  request: (index) => {
    const rows = 1 + (index % 2);
    return {
      inputs: [
        fp32('A', [rows, 4], Array(4 * rows).fill(index)),
        fp32('B', [rows, 4], Array(4 * rows).fill(0.5)),
      ],
    };
  },
  broken: model('identity_bf16'),
  failing: {
    model: model('pick', { max_batch_size: 8 }),
    request: { inputs: [createTensor('INDEX', 'INT64', [1, 1], new BigInt64Array([99n]))] },
  },
});

describe('ONNX backend: datatypes', () => {
  const VALUES: Readonly<Record<Exclude<Datatype, 'BF16' | 'BYTES'>, ArrayBufferView>> = {
    BOOL: new Uint8Array([1, 0, 1]),
    UINT8: new Uint8Array([0, 7, 255]),
    UINT16: new Uint16Array([0, 7, 65535]),
    UINT32: new Uint32Array([0, 7, 4294967295]),
    UINT64: new BigUint64Array([0n, 7n, 18446744073709551615n]),
    INT8: new Int8Array([-128, 0, 127]),
    INT16: new Int16Array([-32768, 0, 32767]),
    INT32: new Int32Array([-2147483648, 0, 2147483647]),
    INT64: new BigInt64Array([-9223372036854775808n, 0n, 9223372036854775807n]),
    FP16: new Uint16Array([0x3c00, 0x7e01, 0xfc00]),
    FP32: new Float32Array([1.5, Number.NaN, -Infinity]),
    FP64: new Float64Array([1.5, Number.NaN, -Infinity]),
  };
  for (const [datatype, { buffer }] of Object.entries(VALUES)) {
    it(`passes ${datatype} through unchanged`, async () => {
      const input: Tensor = {
        name: 'X',
        datatype: datatype as Datatype,
        shape: [1, 3],
        data: new Uint8Array(buffer),
      };
      const request = await runOnce(identityOf(input.datatype), [input]);
      assert.deepEqual(request.output('Y'), { ...input, name: 'Y' });
    });
  }

  it('passes strings through unchanged, empty and not ASCII ones too', async () => {
    const input = createTensor('X', 'BYTES', [2, 2], ['', 'grüß', '😀', 'a"b\\c\n']);
    const request = await runOnce(identityOf('BYTES'), [input]);
    assert.deepEqual(Buffer.from(request.output('Y').data), input.data);
  });

  it('refuses strings that ONNX Runtime would change, naming the element', async () => {
    for (const wrong of [Buffer.from([0xff]), Buffer.from('a\0b')]) {
      const request = await runOnce(identityOf('BYTES'), [
        createTensor('X', 'BYTES', [1, 2], ['fine', wrong]),
      ]);
      assert.throws(() => request.output('Y'), {
        code: 'INVALID_ARG',
        message: "input 'X': ONNX strings must be UTF-8 text without NUL, element 1 is not",
      });
    }
  });

  it('lets a replacement character through that the client sent itself', async () => {
    const input = createTensor('X', 'BYTES', [1, 1], ['\uFFFD']);
    assert.deepEqual(Buffer.from((await runOnce(identityOf('BYTES'), [input])).output('Y').data), input.data);
  });

  it('refuses bfloat16, naming the tensor', async () => {
    await assert.rejects(runOnce(model('identity_bf16'), []), {
      code: 'UNSUPPORTED',
      message:
        "unable to load model 'identity_bf16', input 'X' is of ONNX element type bfloat16, " +
        'which ONNX Runtime does not exchange with Node.js',
    });
  });
});

describe('ONNX backend: shapes', () => {
  it('takes variable dimensions', async () => {
    const input = createTensor('X', 'INT32', [2, 3], new Int32Array([1, 2, 3, 4, 5, 6]));
    const request = await runOnce(
      model('transpose', {
        input: [{ name: 'X', ...INT32_MATRIX }],
        output: [{ name: 'Y', ...INT32_MATRIX }],
      }),
      [input],
    );
    assert.deepEqual(
      request.output('Y'),
      createTensor('Y', 'INT32', [3, 2], new Int32Array([1, 4, 2, 5, 3, 6])),
    );
  });

  it('takes tensors without elements', async () => {
    for (const datatype of ['FP32', 'BYTES'] as const) {
      const input: Tensor = { name: 'X', datatype, shape: [1, 0], data: new Uint8Array(0) };
      const output = (await runOnce(identityOf(datatype), [input])).output('Y');
      assert.deepEqual([output.shape, output.data.byteLength], [[1, 0], 0]);
    }
  });

  it('shows scalars with the dimensions of the configuration', async () => {
    const request = await runOnce(model('double_scalar'), [fp32('X', [1], [4])]);
    assert.deepEqual(request.output('Y'), fp32('Y', [1], [8]));
  });

  it('answers with one element a row', async () => {
    const request = await runOnce(model('row_sum'), [fp32('X', [2, 2], [1, 2, 3, 4])]);
    assert.deepEqual(request.output('Y'), fp32('Y', [2], [3, 7]));
  });

  it('joins ragged inputs and makes the batch inputs that go with them', async () => {
    const config = {
      max_batch_size: 4,
      input: [{ name: 'VALUES', data_type: 'TYPE_FP32', dims: [-1], allow_ragged_batch: true }],
      batch_input: [
        {
          kind: 'BATCH_ACCUMULATED_ELEMENT_COUNT',
          target_name: ['ENDS'],
          data_type: 'TYPE_INT32',
          source_input: ['VALUES'],
        },
      ],
      output: [
        { name: 'ECHO', data_type: 'TYPE_FP32', dims: [-1] },
        { name: 'LENGTHS', data_type: 'TYPE_INT32', dims: [1], reshape: { shape: [] } },
      ],
      batch_output: [
        { target_name: ['ECHO'], kind: 'BATCH_SCATTER_WITH_INPUT_SHAPE', source_input: ['VALUES'] },
      ],
    } as const;
    const [short, long] = await runBatch(model('ragged', config), [
      [fp32('VALUES', [1, 1], [1])],
      [fp32('VALUES', [1, 3], [2, 3, 4])],
    ]);
    assert.deepEqual(short?.output('ECHO'), fp32('ECHO', [1, 1], [1]));
    assert.deepEqual(long?.output('ECHO'), fp32('ECHO', [1, 3], [2, 3, 4]));
    assert.deepEqual(long?.output('LENGTHS').data, new Uint8Array(new Int32Array([3]).buffer));
  });
});

describe('ONNX backend: models', () => {
  it('completes a configuration from the model', async () => {
    await withModel(model('add_sub'), ({ config }) => {
      assert.equal(config.max_batch_size, 4);
      assert.deepEqual(
        config.input.map(({ name, data_type: type, dims }) => [name, type, dims]),
        [
          ['A', 'TYPE_FP32', [4]],
          ['B', 'TYPE_FP32', [4]],
        ],
      );
      assert.deepEqual(
        config.output.map(({ name }) => name),
        ['SUM', 'DIFFERENCE'],
      );
      assert.ok(config.dynamic_batching !== undefined);
    });
  });

  it('takes the largest batch of completed configurations from its settings', async () => {
    const settings = { 'default-max-batch-size': '16' };
    await withModel(model('add_sub'), ({ config }) => assert.equal(config.max_batch_size, 16), { settings });
  });

  it('loads a folder with external weights', async () => {
    const request = await runOnce(model('external_weights'), [fp32('X', [1, 64], Array(64).fill(1))]);
    assert.deepEqual(
      request.output('Y'),
      fp32(
        'Y',
        [1, 64],
        Array.from({ length: 64 }, (_, index) => index + 1),
      ),
    );
  });

  it('takes another file name from default_model_filename', async () => {
    const renamed = model('external_weights', { default_model_filename: 'model.onnx/model.onnx' });
    await withModel(renamed, () => undefined);
    await assert.rejects(
      withModel(model('add_sub', { default_model_filename: 'other.onnx' }), () => undefined),
      { code: 'INTERNAL', message: `failed to stat file ${join(MODELS, 'add_sub/1/other.onnx')}` },
    );
  });

  it('executes what a tiny file held at its load, where another thread was asked for the configuration', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'nereid-onnx-'));
    await mkdir(join(directory, '1'));
    await copyFile(join(MODELS, 'add_sub/1/model.onnx'), join(directory, '1/model.onnx'));
    const host = await createTestHost({
      ...onnxBackend,
      createModel: async (context) => {
        const model = await onnxBackend.createModel(context);
        return { createInstance: model.createInstance, close: () => model.close?.() };
      },
    });
    const output = { data_type: 'TYPE_FP32', dims: [4] } as const;
    const loaded = await host.load({
      directory,
      config: { max_batch_size: 4, output: [{ name: 'SUM', ...output }] },
    });
    await writeFile(join(directory, '1/model.onnx'), 'something else by now');
    for (const value of [1, 2]) {
      const inputs = ['A', 'B'].map((name) => fp32(name, [1, 4], Array(4).fill(value)));
      const [request] = await loaded.run([{ inputs }]);
      assert.deepEqual(request?.output('SUM'), fp32('SUM', [1, 4], Array(4).fill(2 * value)));
    }
    await host.close();
    await rm(directory, { recursive: true });
  });

  it('tells that a file is not a model', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'nereid-onnx-'));
    await mkdir(join(directory, '1'));
    const file = join(directory, '1/model.onnx');
    await writeFile(file, 'this is no ONNX model, whatever its name');
    await assert.rejects(
      withModel({ directory }, () => undefined),
      {
        code: 'INTERNAL',
        message: `onnx runtime error 7: Load model from ${file} failed:Protobuf parsing failed.`,
      },
    );
    await rm(directory, { recursive: true });
  });

  it('refuses a configuration that contradicts the model', async () => {
    const config = {
      max_batch_size: 8,
      input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [-1] }],
      output: [{ name: 'Y', data_type: 'TYPE_FP32', dims: [-1] }],
    } as const;
    await assert.rejects(
      withModel(model('identity_fp32', config), () => undefined),
      {
        code: 'INVALID_ARG',
        message:
          "unable to load model 'identity_fp32', configuration expects datatype TYPE_INT32 for input 'X', " +
          'model provides TYPE_FP32',
      },
    );
  });

  it('serves a model whose other outputs are no tensors once the configuration lists what to serve', async () => {
    await assert.rejects(
      withModel(model('sequence_output'), () => undefined),
      {
        code: 'UNSUPPORTED',
        message:
          /output 'PARTS' is not a dense tensor .*list the outputs to serve in the configuration to leave it out/,
      },
    );
    const listed = model('sequence_output', { output: [{ name: 'Y', data_type: 'TYPE_FP32', dims: [2] }] });
    const request = await runOnce(listed, [fp32('X', [1, 2], [5, 6])]);
    assert.deepEqual(request.output('Y'), fp32('Y', [1, 2], [5, 6]));
  });

  it('answers a failing execution with the error of ONNX Runtime', async () => {
    const request = await runOnce(model('pick'), [
      createTensor('INDEX', 'INT64', [1, 1], new BigInt64Array([99n])),
    ]);
    assert.throws(() => request.output('Y'), {
      code: 'INTERNAL',
      message: /^onnx runtime error \d: .*Gather/,
    });
  });
});

const INT32_MATRIX = { data_type: 'TYPE_INT32', dims: [-1, -1] } as const;

type ConfigInit = NonNullable<TestModelInit['config']>;

function model(name: string, config: ConfigInit = {}): TestModelInit {
  return { config: { name, ...config }, directory: join(MODELS, name) };
}

function identityOf(datatype: Datatype): TestModelInit {
  const io = { data_type: toConfigDatatype(datatype), dims: [-1] };
  return model(`identity_${datatype.toLowerCase()}`, {
    max_batch_size: 8,
    input: [{ name: 'X', ...io }],
    output: [{ name: 'Y', ...io }],
  });
}

function fp32(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return createTensor(name, 'FP32', shape, Float32Array.from(values));
}

async function runOnce(init: TestModelInit, inputs: readonly Tensor[]): Promise<TestRequest> {
  const [request] = await runBatch(init, [inputs]);
  assert.ok(request !== undefined);
  return request;
}

async function runBatch(
  init: TestModelInit,
  batch: readonly (readonly Tensor[])[],
): Promise<readonly TestRequest[]> {
  let requests: readonly TestRequest[] = [];
  await withModel(init, async (loaded) => {
    requests = await loaded.run(batch.map((inputs) => ({ inputs })));
  });
  return requests;
}

async function withModel(
  init: TestModelInit,
  use: (model: TestModel) => unknown,
  options: TestHostOptions = {},
): Promise<void> {
  const host = await createTestHost(onnxBackend, options);
  try {
    await use(await host.load(init));
  } finally {
    await host.close();
  }
}
