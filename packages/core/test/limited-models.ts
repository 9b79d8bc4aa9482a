import { InferenceServerError } from '@nereid/protocol';
import { createModelConfig, type Init, type ModelConfig } from '@nereid/protocol/model-config';
import type { InferenceRequest, InferenceRequestFields } from '../src/request/inference-request.ts';
import { errorResponse } from '../src/response/inference-response.ts';
import { planInstancesByKey } from '../src/instance/instance-group.ts';
import type { BatchSink, HostedInstance, InstanceHost } from '../src/instance/instance-host.ts';
import { InstancePool } from '../src/instance/instance-pool.ts';
import { createInstances } from '../src/instance/model-instances.ts';
import { RateLimitedHost } from '../src/instance/rate-limited-host.ts';
import { createScheduler } from '../src/scheduler/create-scheduler.ts';
import type { ManualClock } from '../src/scheduler/manual-clock.ts';
import type { RateLimiter } from '../src/scheduler/rate-limiter.ts';
import type { Scheduler } from '../src/scheduler/scheduler.ts';
import { ModelStatistics } from '../src/telemetry/statistics.ts';
import { buildRequest, type RecordedRequest } from './build-request.ts';

const TIMES = { inputNs: 0, inferNs: 0, outputNs: 0 };

/** A batch that an instance executes until the test ends it. */
export interface RunningBatch {
  readonly instanceName: string;
  readonly requests: readonly InferenceRequest[];
  finish(): void;
  /** The execution throws, or its executor is gone. */
  fail(message: string): void;
}

/** A model as a server has it, with a scheduler, a pool and the rate limiter; only its instances are the test's. */
export interface LimitedModel {
  readonly scheduler: Scheduler;
  readonly pool: InstancePool;
  readonly statistics: ModelStatistics;
  /** Batches that execute, in the order in which they began. */
  readonly running: RunningBatch[];
  /** Ids of the requests of all batches so far. */
  readonly batches: string[][];
  send(fields?: Partial<InferenceRequestFields>): RecordedRequest;
  /** Takes one instance out, by its place in the configuration. */
  removeInstance(at: number): Promise<void>;
}

/** Where the models of a test find the time and the resources. */
export interface LimitedModelParts {
  readonly limiter: RateLimiter;
  readonly clock: ManualClock;
}

/** A configuration with one instance that needs as many units of `slot`. */
export function needing(count: number, more: Init<ModelConfig> = {}): ModelConfig {
  return createModelConfig({ name: 'm', instance_group: [groupNeeding('g', count)], ...more });
}

/** An instance group whose one instance needs as many units of `slot`. */
export function groupNeeding(name: string, count: number, priority = 1) {
  const rateLimiter = { resources: [{ name: 'slot', count }], priority };
  return { name, count: 1, kind: 'KIND_CPU', rate_limiter: rateLimiter } as const;
}

/** Loads a model. */
export async function createLimitedModel(
  config: ModelConfig,
  { limiter, clock }: LimitedModelParts,
): Promise<LimitedModel> {
  const running: RunningBatch[] = [];
  const batches: string[][] = [];
  const start = (instanceName: string, requests: readonly InferenceRequest[], sink: BatchSink): void => {
    batches.push(requests.map(({ id }) => id));
    const end = (error?: InferenceServerError): void => {
      running.splice(running.indexOf(batch), 1);
      sink.onDone(TIMES, error !== undefined);
      const response =
        error === undefined ? { outputs: [], parameters: undefined, error: undefined } : errorResponse(error);
      requests.forEach((_, at) => sink.onResponse(at, response, true));
    };
    const fail = (message: string): void => end(new InferenceServerError('INTERNAL', message));
    const batch = { instanceName, requests, finish: () => end(), fail };
    running.push(batch);
  };
  const host = new RateLimitedHost(new FakeHost(start), limiter);
  const instances = await createInstances(host, config, planInstancesByKey(config));
  const statistics = new ModelStatistics({ model: 'm', version: '1', tags: {}, responseCache: false });
  const pool = new InstancePool([...instances.values()], { statistics, clock, decoupled: false });
  const warn = (): void => undefined;
  const scheduler = createScheduler({ config, modelDirectory: '', runner: pool, clock, statistics, warn });
  const send = (fields: Partial<InferenceRequestFields> = {}): RecordedRequest => {
    const recorded = buildRequest(fields);
    scheduler.enqueue(recorded.request);
    return recorded;
  };
  const removeInstance = (at: number): Promise<void> =>
    pool.remove(new Set([...instances.values()].slice(at, at + 1)));
  return { scheduler, pool, statistics, running, batches, send, removeInstance };
}

type Start = (instanceName: string, requests: readonly InferenceRequest[], sink: BatchSink) => void;

class FakeHost implements InstanceHost {
  readonly #start: Start;

  constructor(start: Start) {
    this.#start = start;
  }

  completeConfig(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  validateConfig(): Promise<void> {
    return Promise.resolve();
  }

  createInstance({ instanceName }: { readonly instanceName: string }): Promise<HostedInstance> {
    return Promise.resolve({
      execute: (requests, sink) => this.#start(instanceName, requests, sink),
      isReady: () => Promise.resolve(true),
      close: () => Promise.resolve(),
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
