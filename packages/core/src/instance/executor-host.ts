import type { ConfigCompletion, InstanceContext, InstanceHostKind } from '@nereid/backend-sdk';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { InferenceRequest } from '../request/inference-request.ts';
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
  readonly #leases: ExecutorLease[] = [];
  /** Places where the model is loaded, or being loaded. */
  readonly #places: Promise<ExecutorLease>[] = [];
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
    const { executor } = await this.#place(0);
    return (await executor.call({ kind: 'completeConfig', key: this.#spec.key })) as
      ConfigCompletion | undefined;
  }

  async validateConfig(config: ModelConfig): Promise<void> {
    const { executor } = await this.#place(0);
    await executor.call({ kind: 'validateConfig', key: this.#spec.key, config });
  }

  async createInstance(context: InstanceContext): Promise<HostedInstance> {
    const place = this.#freePlaces.pop() ?? this.#usedPlaces++;
    const lease = await this.#place(place);
    const instance = lease.executor.newInstance();
    await lease.executor.call({ kind: 'createInstance', key: this.#spec.key, instance, context });
    const onClosed = (): void => void this.#freePlaces.push(place);
    return new ExecutorInstance(lease, { id: instance, config: context.config, onClosed });
  }

  async close(): Promise<void> {
    const { key } = this.#spec;
    await Promise.all(
      this.#leases.map(async (lease) => {
        if (!lease.executor.hasEnded) await lease.executor.call({ kind: 'closeModel', key });
        await lease.release();
      }),
    );
  }

  #place(index: number): Promise<ExecutorLease> {
    const wanted = Math.max(index + 1, this.#expectedInstances);
    while (this.#places.length < wanted) this.#places.push(this.#lease());
    return this.#places[index] ?? this.#lease();
  }

  /** Takes a place and loads the model there. */
  #lease(): Promise<ExecutorLease> {
    const lease =
      this.#kind === 'executor-thread' ? this.#pool.lease(this.#spec.key) : this.#pool.leaseOwn(this.#kind);
    this.#leases.push(lease);
    const loading = lease.executor.call({ kind: 'loadModel', spec: this.#spec }).then(() => lease);
    // A place that nobody came to ask for fails unheard.
    loading.catch(() => undefined);
    return loading;
  }
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
