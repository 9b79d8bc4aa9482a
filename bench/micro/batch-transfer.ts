import { createModelConfig } from '@nereid/protocol/model-config';
import { ExecutorHost } from '../../packages/core/dist/instance/executor-host.js';
import { ExecutorPool } from '../../packages/core/dist/instance/executor-pool.js';
import type { HostedInstance } from '../../packages/core/dist/instance/instance-host.js';
import type { InferenceRequest } from '../../packages/core/dist/request/inference-request.js';
import { BackendMetrics } from '../../packages/core/dist/telemetry/metrics.js';
import { createRequests } from './create-requests.ts';
import type { MicroBenchmark } from './micro-benchmark.ts';

/** Benchmarks of the way to an executor thread and back, and what ends the thread. */
export interface BatchTransfer extends AsyncDisposable {
  readonly benchmarks: readonly MicroBenchmark[];
}

/** Hands batches to the identity backend on an executor thread, each when the last one is back. */
export async function startBatchTransfer(): Promise<BatchTransfer> {
  const silent = (): void => {};
  const logger = () => ({ verbose: silent, info: silent, warning: silent, error: silent });
  const pool = new ExecutorPool(1, {
    logger,
    metrics: new BackendMetrics([], silent),
    reportProgress: silent,
  });
  const config = createModelConfig({
    name: 'm',
    backend: 'identity',
    max_batch_size: 64,
    input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [-1] }],
    output: [{ name: 'Y', data_type: 'TYPE_FP32', dims: [-1] }],
  });
  const spec = {
    key: 'm',
    backendSource: {
      entry: new URL('../../packages/backend-identity/dist/index.js', import.meta.url).href,
      folder: undefined,
    },
    backendName: 'identity',
    backendSettings: {},
    modelName: 'm',
    modelNamespace: '',
    modelVersion: '1',
    modelDirectory: '',
    versionDirectory: '',
    config,
  };
  const host = new ExecutorHost(pool, spec, { kind: 'executor-thread' });
  const instance = await host.createInstance({
    instanceName: 'm_0_0',
    kind: 'KIND_CPU',
    deviceId: 0,
    config,
  });
  return {
    benchmarks: [1, 64].map((size) => ({
      name: `Batch of ${size} to an executor thread and back`,
      run: async (times) => {
        const requests = createRequests(size);
        for (let count = 0; count < times; count += 1) await execute(instance, requests);
      },
    })),
    [Symbol.asyncDispose]: async () => {
      await instance.close();
      await host.close();
      await pool.close();
    },
  };
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
