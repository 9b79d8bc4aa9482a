import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTensor, toConfigDatatype, type Datatype, type Tensor } from '@nereid/backend-sdk';
import {
  createTestHost,
  describeBackend,
  type TestModel,
  type TestModelInit,
} from '@nereid/backend-sdk/testing';
import { identityBackend } from './identity-backend.ts';

const FIXED_SIZES = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BF16: 2,
} as const;

const BATCHING: TestModelInit = {
  config: {
    max_batch_size: 8,
    input: [
      { name: 'INPUT0', data_type: 'TYPE_FP32', dims: [2] },
      { name: 'INPUT1', data_type: 'TYPE_STRING', dims: [1] },
    ],
    output: [
      { name: 'OUTPUT0', data_type: 'TYPE_FP32', dims: [2] },
      { name: 'OUTPUT1', data_type: 'TYPE_STRING', dims: [1] },
    ],
  },
};

const SWAPPED: TestModelInit = {
  config: {
    input: [{ name: 'INPUT0', data_type: 'TYPE_INT32', dims: [1] }],
    output: [{ name: 'OUTPUT0', data_type: 'TYPE_FP32', dims: [1] }],
  },
};

describeBackend('identity backend conformance', {
  backend: identityBackend,
  model: BATCHING,
  broken: SWAPPED,
  request: (index) => ({
    inputs: [
      createTensor('INPUT0', 'FP32', [1 + (index % 2), 2], new Float32Array(2 + 2 * (index % 2)).fill(index)),
      createTensor(
        'INPUT1',
        'BYTES',
        [1 + (index % 2), 1],
        ['é'.repeat(index), ''].slice(0, 1 + (index % 2)),
      ),
    ],
  }),
});

describe('identity backend', () => {
  for (const [datatype, byteSize] of Object.entries(FIXED_SIZES)) {
    it(`returns ${datatype} tensors`, async () => {
      const data = Uint8Array.from({ length: 3 * byteSize }, (_, index) => index);
      assert.deepEqual(await roundTrip(oneTensorModel(datatype), { shape: [3], data }), Buffer.from(data));
    });
  }

  it('returns empty tensors', async () => {
    assert.deepEqual(
      await roundTrip(oneTensorModel('INT64'), { shape: [0], data: new Uint8Array(0) }),
      Buffer.alloc(0),
    );
  });

  it('leaves out the output of an input that was left out', async () => {
    await withModel(BATCHING, async (model) => {
      const [request] = await model.run([{ inputs: [createTensor('INPUT1', 'BYTES', [1, 1], ['x'])] }]);
      assert.deepEqual(
        request?.responses[0]?.outputs.map(({ name }) => name),
        ['OUTPUT1'],
      );
    });
  });

  it('adds example parameters to every response', async () => {
    await withModel(BATCHING, async (model) => {
      const [request] = await model.run([{ inputs: [createTensor('INPUT1', 'BYTES', [1, 1], ['x'])] }]);
      assert.deepEqual(request?.responses[0]?.parameters, {
        param0: 'an example string parameter',
        param1: 42,
        param2: false,
        param3: 123.123,
      });
    });
  });

  it('delays execution without blocking, longer on later instances', async () => {
    const slow = withParameters({ execute_delay_ms: '20', instance_wise_delay_multiplier: '3' });
    await withModel(slow, async (model) => {
      const finished: number[] = [];
      const input = createTensor('INPUT1', 'BYTES', [1, 1], ['x']);
      await Promise.all(
        [2, 1, 0].map(async (instance) => {
          await model.run([{ inputs: [input] }], instance);
          finished.push(instance);
        }),
      );
      assert.deepEqual(finished, [0, 1, 2]);
    });
  });

  it('waits creation_delay_sec before a model is loaded', async () => {
    const start = performance.now();
    await withModel(withParameters({ creation_delay_sec: '0.03' }), () => Promise.resolve());
    assert.ok(performance.now() - start >= 29);
  });

  it('refuses a delay that is not a number', async () => {
    await assert.rejects(
      withModel(withParameters({ execute_delay_ms: 'soon' }), () => Promise.resolve()),
      {
        code: 'INVALID_ARG',
        message: "model 'model', parameter 'execute_delay_ms': expected a number of at least 0, found 'soon'",
      },
    );
  });

  it('refuses an output that has no input of its kind', async () => {
    await assert.rejects(
      withModel(SWAPPED, () => Promise.resolve()),
      {
        code: 'INVALID_ARG',
        message:
          "model 'model': output 'OUTPUT0' is TYPE_FP32 [1], expected the same of the input at its place, " +
          'found TYPE_INT32 [1]',
      },
    );
  });
});

interface OneTensorModel extends TestModelInit {
  readonly datatype: Datatype;
}

function oneTensorModel(datatype: string): OneTensorModel {
  const known = datatype as Datatype;
  const io = { data_type: toConfigDatatype(known), dims: [-1] };
  return {
    datatype: known,
    config: { input: [{ name: 'INPUT0', ...io }], output: [{ name: 'OUTPUT0', ...io }] },
  };
}

function withParameters(parameters: Readonly<Record<string, string>>): TestModelInit {
  const entries = Object.entries(parameters).map(([name, value]) => [name, { string_value: value }]);
  return {
    config: { ...BATCHING.config, instance_group: [{ count: 3 }], parameters: Object.fromEntries(entries) },
  };
}

async function roundTrip(model: OneTensorModel, tensor: Pick<Tensor, 'shape' | 'data'>): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  await withModel(model, async (loaded) => {
    const [request] = await loaded.run([
      { inputs: [{ name: 'INPUT0', datatype: model.datatype, ...tensor }] },
    ]);
    bytes = Buffer.from(request?.output('OUTPUT0').data ?? []);
  });
  return bytes;
}

async function withModel(init: TestModelInit, use: (model: TestModel) => Promise<unknown>): Promise<void> {
  const host = await createTestHost(identityBackend);
  try {
    await use(await host.load(init));
  } finally {
    await host.close();
  }
}
