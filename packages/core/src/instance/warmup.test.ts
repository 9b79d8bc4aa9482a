import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { createModelConfig, type ModelConfig, type ModelWarmup } from '@nereid/protocol/model-config';
import type { InferenceRequest } from '../request/inference-request.ts';
import { errorResponse, type InferenceResponse } from '../response/inference-response.ts';
import type { BatchSink, HostedInstance, InstanceHost } from './instance-host.ts';
import { WarmInstanceHost } from './warm-instance-host.ts';
import { warmUp } from './warmup.ts';
import { readWarmupSamples } from './warmup-samples.ts';

const MODEL = { name: 'm', version: '1' };
const GOOD: InferenceResponse = { outputs: [], parameters: undefined, error: undefined };
const SILENT: Logger = { verbose: () => {}, info: () => {}, warning: () => {}, error: () => {} };
const TIMES = { inputNs: 0, inferNs: 0, outputNs: 0 };

type Execute = (requests: readonly InferenceRequest[], sink: BatchSink) => void;

const answerAll: Execute = (requests, sink) => {
  sink.onDone(TIMES, false);
  requests.forEach((_, at) => sink.onResponse(at, GOOD, true));
};

/** An instance that remembers its batches. */
function instanceOf(execute: Execute = answerAll) {
  const batches: (readonly InferenceRequest[])[] = [];
  let closed = 0;
  const hosted: HostedInstance = {
    execute: (requests, sink) => {
      batches.push(requests);
      execute(requests, sink);
    },
    isReady: () => Promise.resolve(true),
    close: async () => void (closed += 1),
  };
  return { hosted, batches, closed: () => closed };
}

function configOf(samples: readonly Partial<ModelWarmup>[], more: Partial<ModelConfig> = {}): ModelConfig {
  const warmup = samples.map((sample) => ({ name: 'w', batch_size: 1, count: 0, inputs: {}, ...sample }));
  return createModelConfig({
    name: 'm',
    max_batch_size: 4,
    input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [2] }],
    model_warmup: warmup,
    ...more,
  });
}

const zeros = { X: { data_type: 'TYPE_FP32', dims: [2], zero_data: true } } as const;

async function runOn(config: ModelConfig, directory = ''): Promise<readonly (readonly InferenceRequest[])[]> {
  const { hosted, batches } = instanceOf();
  await warmUp(hosted, await readWarmupSamples(config, directory), MODEL);
  return batches;
}

test('samples run in order, each as often as it says, with that many requests in a batch', async () => {
  const batches = await runOn(
    configOf([
      { inputs: zeros },
      { inputs: zeros, batch_size: 3, count: 2 },
      { inputs: zeros, batch_size: 0 },
    ]),
  );
  assert.deepEqual(
    batches.map((requests) => requests.length),
    [1, 3, 3],
  );
  for (const request of batches.flat()) {
    assert.equal(request.batchSize, 1);
    assert.deepEqual(request.inputs, [
      { name: 'X', datatype: 'FP32', shape: [1, 2], data: new Uint8Array(8) },
    ]);
  }
});

for (const [dataType, check] of [
  ['TYPE_FP32', (data: Uint8Array) => new Float32Array(data.buffer).every((v) => Math.abs(v) < 2)],
  ['TYPE_FP64', (data: Uint8Array) => new Float64Array(data.buffer).every((v) => Math.abs(v) < 2)],
  ['TYPE_BOOL', (data: Uint8Array) => data.every((byte) => byte < 2)],
  ['TYPE_INT64', (data: Uint8Array) => new BigInt64Array(data.buffer).every((v) => v >= 0n && v < 128n)],
  ['TYPE_INT8', (data: Uint8Array) => new Int8Array(data.buffer).every((v) => v >= 0)],
] as const) {
  test(`random data of ${dataType} is random, and valid`, async () => {
    const { input } = createModelConfig({ input: [{ name: 'X', data_type: dataType, dims: [64] }] });
    const inputs = { X: { data_type: dataType, dims: [64], random_data: true } };
    const [[request] = []] = await runOn(configOf([{ inputs }], { input }));
    const data = request?.inputs[0]?.data ?? new Uint8Array();
    assert.ok(check(data));
    assert.ok(new Set(data).size > 1);
  });
}

test('random and zero strings are empty ones', async () => {
  const { input } = createModelConfig({ input: [{ name: 'X', data_type: 'TYPE_STRING', dims: [3] }] });
  for (const kind of [{ random_data: true }, { zero_data: true }]) {
    const inputs = { X: { data_type: 'TYPE_STRING' as const, dims: [3], ...kind } };
    const [[request] = []] = await runOn(configOf([{ inputs }], { input }));
    assert.deepEqual(request?.inputs[0]?.data, new Uint8Array(12));
  }
});

test('control inputs come behind those of requests, with a batch dimension', async () => {
  const inputs = { START: { data_type: 'TYPE_INT32' as const, dims: [1], zero_data: true }, ...zeros };
  const [[request] = []] = await runOn(configOf([{ inputs }]));
  assert.deepEqual(
    request?.inputs.map(({ name, shape }) => [name, shape]),
    [
      ['X', [1, 2]],
      ['START', [1, 1]],
    ],
  );
});

describe('data from a file', () => {
  async function withFile(bytes: Uint8Array, use: (directory: string) => Promise<void>): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'nereid-warmup-'));
    await mkdir(join(directory, 'warmup'));
    await writeFile(join(directory, 'warmup', 'x'), bytes);
    await use(directory);
    await rm(directory, { recursive: true });
  }
  const config = configOf([{ inputs: { X: { data_type: 'TYPE_FP32', dims: [2], input_data_file: 'x' } } }]);

  test('is what the file holds', async () => {
    const bytes = new Uint8Array(Float32Array.of(1, 2).buffer);
    await withFile(bytes, async (directory) => {
      const [[request] = []] = await runOn(config, directory);
      assert.deepEqual(Uint8Array.from(request?.inputs[0]?.data ?? []), bytes);
    });
  });

  test('must have the size of the input', async () => {
    await withFile(new Uint8Array(7), async (directory) => {
      await assert.rejects(readWarmupSamples(config, directory), {
        code: 'INVALID_ARG',
        message:
          /warmup sample 'w': .*input byte size mismatch for input 'X' for model 'm'. Expected 8, got 7/,
      });
    });
  });
});

test('the first failure ends the warm-up, with the name of the sample and the reason', async () => {
  const { hosted, batches } = instanceOf((requests, sink) => {
    sink.onDone(TIMES, true);
    const error = errorResponse(new InferenceServerError('INTERNAL', 'on purpose'));
    requests.forEach((_, at) => sink.onResponse(at, error, true));
  });
  const config = configOf([{ name: 'bad', inputs: zeros, batch_size: 2 }, { inputs: zeros }]);
  const samples = await readWarmupSamples(config, '');
  await assert.rejects(warmUp(hosted, samples, MODEL), {
    code: 'INVALID_ARG',
    message: "failed to run warmup sample 'bad': on purpose",
  });
  assert.equal(batches.length, 1);
});

test('a decoupled model is waited for until its last response', async () => {
  let sink: BatchSink | undefined;
  const { hosted } = instanceOf((_requests, given) => {
    sink = given;
    given.onDone(TIMES, false);
    given.onResponse(0, GOOD, false);
  });
  const samples = await readWarmupSamples(configOf([{ inputs: zeros }]), '');
  let isOver = false;
  const running = warmUp(hosted, samples, MODEL).then(() => (isOver = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOver, false);
  sink?.onResponse(0, undefined, true);
  await running;
});

test('an instance that fails to warm up is closed', async () => {
  const { hosted, closed } = instanceOf((_requests, sink) => {
    sink.onDone(TIMES, true);
    sink.onResponse(0, errorResponse(new InferenceServerError('INTERNAL', 'on purpose')), true);
  });
  const none = (): Promise<undefined> => Promise.resolve(undefined);
  const inner: InstanceHost = {
    completeConfig: none,
    validateConfig: none,
    createInstance: () => Promise.resolve(hosted),
    close: none,
  };
  const host = new WarmInstanceHost(inner, { ...MODEL, modelDirectory: '', logger: SILENT });
  const config = configOf([{ inputs: zeros }]);
  const context = { instanceName: 'm_0_0', kind: 'KIND_CPU', deviceId: 0, config } as const;
  await assert.rejects(host.createInstance(context), /warmup sample 'w'/);
  assert.equal(closed(), 1);
});
