import type { ConfigCompletion, InstanceContext, InstanceHostKind } from '@nereid/backend-sdk';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { InferenceRequest } from '../request/inference-request.ts';
import type { ExecutorCall } from './executor-messages.ts';
import type { ExecutorLease, ExecutorPool } from './executor-pool.ts';
import type { BatchSink, HostedInstance, InstanceHost, ModelSpec } from './instance-host.ts';
import { headsOf, type ModelHeads } from './tensor-heads.ts';

/**
 * Runs a model's instances on executors: shared threads, threads or processes of their own. Each instance has a
 * place; the model file is asked for its configuration at the first one.
 */
export class ExecutorHost implements InstanceHost {
  readonly #pool: ExecutorPool;
  readonly #spec: ModelSpec;
  readonly #kind: Exclude<InstanceHostKind, 'in-process'>;
  readonly #expectedInstances: number;
  readonly #places: Place[] = [];
  /** Places whose instance was closed: the next ones take them. */
  readonly #freePlaces: number[] = [];
  #usedPlaces = 0;

  /**
   * @param expectedInstances - As many places are prepared at once: a second thread then starts while the first
   * one reads the model. More of them come on demand.
   */
  constructor(
    pool: ExecutorPool,
    spec: ModelSpec,
    {
      kind,
      expectedInstances = 1,
    }: { readonly kind: Exclude<InstanceHostKind, 'in-process'>; readonly expectedInstances?: number },
  ) {
    this.#pool = pool;
    this.#spec = spec;
    this.#kind = kind;
    this.#expectedInstances = expectedInstances;
  }

  async completeConfig(): Promise<ConfigCompletion | undefined> {
    return (await this.#place(0).ask({ kind: 'completeConfig', key: this.#spec.key })) as
      ConfigCompletion | undefined;
  }

  async validateConfig(config: ModelConfig): Promise<void> {
    await this.#place(0).ask({ kind: 'validateConfig', key: this.#spec.key, config });
  }

  async createInstance(context: InstanceContext): Promise<HostedInstance> {
    const index = this.#freePlaces.pop() ?? this.#usedPlaces++;
    const place = this.#place(index);
    const instance = place.lease.executor.newInstance();
    await place.ask({ kind: 'createInstance', key: this.#spec.key, instance, context });
    const onClosed = (): void => void this.#freePlaces.push(index);
    return new ExecutorInstance(place.lease, { id: instance, config: context.config, onClosed });
  }

  async close(): Promise<void> {
    const { key } = this.#spec;
    await Promise.all(
      this.#places.map(async ({ lease }) => {
        if (!lease.executor.hasEnded) await lease.executor.call({ kind: 'closeModel', key });
        await lease.release();
      }),
    );
  }

  #place(index: number): Place {
    const wanted = Math.max(index + 1, this.#expectedInstances);
    while (this.#places.length < wanted) this.#places.push(this.#takePlace());
    return this.#places[index] ?? this.#takePlace();
  }

  #takePlace(): Place {
    const lease =
      this.#kind === 'executor-thread' ? this.#pool.lease(this.#spec.key) : this.#pool.leaseOwn(this.#kind);
    return new Place(lease, this.#spec);
  }
}

/** A place on an executor that loads the model there before the first thing it is asked for. */
class Place {
  readonly lease: ExecutorLease;
  readonly #spec: ModelSpec;
  #loading: Promise<unknown> | undefined;

  constructor(lease: ExecutorLease, spec: ModelSpec) {
    this.lease = lease;
    this.#spec = spec;
    // An executor that still boots has the backend's library to load, too.
    if (!lease.executor.hasAnswered) void this.#load();
  }

  /** Asks for something of the model; the call travels together with that to load it. */
  async ask(body: ExecutorCall): Promise<unknown> {
    const loading = this.#load();
    const answer = this.lease.executor.call(body);
    // Where the model can't be loaded, that is what is wrong.
    answer.catch(ignore);
    await loading;
    return answer;
  }

  #load(): Promise<unknown> {
    if (this.#loading !== undefined) return this.#loading;
    this.#loading = this.lease.executor.call({ kind: 'loadModel', spec: this.#spec });
    // A place that nobody comes to ask for fails unheard.
    this.#loading.catch(ignore);
    return this.#loading;
  }
}

function ignore(): void {
  // Heard elsewhere.
}

interface ExecutorInstanceParts {
  readonly id: number;
  readonly config: ModelConfig;
  readonly onClosed: () => void;
}

class ExecutorInstance implements HostedInstance {
  readonly #lease: ExecutorLease;
  readonly #id: number;
  readonly #heads: ModelHeads;
  readonly #outputs: readonly string[];
  readonly #onClosed: () => void;

  constructor(lease: ExecutorLease, { id, config, onClosed }: ExecutorInstanceParts) {
    this.#lease = lease;
    this.#id = id;
    this.#onClosed = onClosed;
    this.#heads = headsOf(config);
    this.#outputs = config.output.map((output) => output.name);
  }

  execute(requests: readonly InferenceRequest[], sink: BatchSink): void {
    const instance = this.#id;
    this.#lease.executor.execute({ instance, requests, heads: this.#heads, outputs: this.#outputs, sink });
  }

  async isReady(): Promise<boolean> {
    if (this.#lease.executor.hasEnded) return false;
    return (await this.#lease.executor.call({ kind: 'isReady', instance: this.#id })) === true;
  }

  async close(): Promise<void> {
    if (this.#lease.executor.hasEnded) return;
    await this.#lease.executor.call({ kind: 'closeInstance', instance: this.#id });
    this.#onClosed();
  }
}
