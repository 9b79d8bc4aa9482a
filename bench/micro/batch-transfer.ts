import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModelConfig } from '@nereid/protocol/model-config';
import { ExecutorHost } from '../../packages/core/dist/instance/executor-host.js';
import { ExecutorPool } from '../../packages/core/dist/instance/executor-pool.js';
import type { HostedInstance } from '../../packages/core/dist/instance/instance-host.js';
import type { InferenceRequest } from '../../packages/core/dist/request/inference-request.js';
import { BackendMetrics } from '../../packages/core/dist/telemetry/metrics.js';
import { affineOnnx } from '../models/affine-onnx.ts';
import { createRequests } from './create-requests.ts';
import type { MicroBenchmark } from './micro-benchmark.ts';

/** Benchmarks of the way to an executor thread and back, and what ends the thread. */
export interface BatchTransfer extends AsyncDisposable {
  readonly benchmarks: readonly MicroBenchmark[];
}

/** A backend, and the folder of the version that it loads. */
interface Served {
  readonly title: string;
  readonly backend: string;
  readonly versionDirectory: string;
}

/**
 * Hands batches to an executor thread, each when the last one is back: to the identity backend, whose answers have
 * parameters and so come as messages, and to a tiny ONNX model, whose batches and answers go the short way.
 */
export async function startBatchTransfer(): Promise<BatchTransfer> {
  const silent = (): void => {};
  const logger = () => ({ verbose: silent, info: silent, warning: silent, error: silent });
  const pool = new ExecutorPool(1, {
    logger,
    metrics: new BackendMetrics([], silent),
    reportProgress: silent,
  });
  const folder = mkdtempSync(join(tmpdir(), 'nereid-micro-'));
  writeFileSync(join(folder, 'model.onnx'), affineOnnx());
  const served: readonly Served[] = [
    { title: 'to an executor thread and back', backend: 'identity', versionDirectory: '' },
    { title: 'through a tiny ONNX model', backend: 'onnx', versionDirectory: folder },
  ];
  const started = await Promise.all(served.map((model) => startModel(pool, model)));
  return {
    benchmarks: started.flatMap(({ title, instance }) =>
      [1, 64].map((size) => ({
        name: `Batch of ${size} ${title}`,
        run: async (times) => {
          const requests = createRequests(size);
          for (let count = 0; count < times; count += 1) await execute(instance, requests);
        },
      })),
    ),
    [Symbol.asyncDispose]: async () => {
      for (const { instance, host } of started) {
        await instance.close();
        await host.close();
      }
      await pool.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function startModel(
  pool: ExecutorPool,
  { title, backend, versionDirectory }: Served,
): Promise<{ title: string; host: ExecutorHost; instance: HostedInstance }> {
  const config = createModelConfig({
    name: 'm',
    backend,
    max_batch_size: 64,
    input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [-1] }],
    output: [{ name: 'Y', data_type: 'TYPE_FP32', dims: [-1] }],
  });
  const entry = new URL(`../../packages/backend-${backend}/dist/index.js`, import.meta.url).href;
  const spec = {
    key: backend,
    backendSource: { entry, folder: undefined },
    backendName: backend,
    backendSettings: {},
    modelName: 'm',
    modelNamespace: '',
    modelVersion: '1',
    modelDirectory: versionDirectory,
    versionDirectory,
    config,
  };
  const host = new ExecutorHost(pool, spec, { kind: 'executor-thread' });
  const instance = await host.createInstance({
    instanceName: 'm_0_0',
    kind: 'KIND_CPU',
    deviceId: 0,
    config,
  });
  return { title, host, instance };
}

function execute(instance: HostedInstance, requests: readonly InferenceRequest[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let open = requests.length;
    instance.execute(requests, {
      onResponse: (_index, response, final) => {
        if (response?.error !== undefined) reject(response.error);
        if (final) open -= 1;
        if (open === 0) resolve();
      },
      onReschedule: () => {},
      onDone: () => {},
    });
  });
}
