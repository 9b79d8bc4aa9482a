import type { ConfigCompletion, InstanceContext, InstanceHostKind } from '@nereid/backend-sdk';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { InferenceRequest } from '../request/inference-request.ts';
import type { ExecutorLease, ExecutorPool } from './executor-pool.ts';
import type { BatchSink, HostedInstance, InstanceHost, ModelSpec } from './instance-host.ts';

/**
 * Runs a model's instances on executors: shared threads, threads or processes of their own. The model file is
 * asked for its configuration on the executor that the first instance then gets.
 */
export class ExecutorHost implements InstanceHost {
  readonly #pool: ExecutorPool;
  readonly #spec: ModelSpec;
  readonly #kind: Exclude<InstanceHostKind, 'in-process'>;
  #first: Promise<ExecutorLease> | undefined;
  readonly #leases: ExecutorLease[] = [];
  #instances = 0;

  constructor(pool: ExecutorPool, spec: ModelSpec, kind: Exclude<InstanceHostKind, 'in-process'>) {
    this.#pool = pool;
    this.#spec = spec;
    this.#kind = kind;
  }

  async completeConfig(): Promise<ConfigCompletion | undefined> {
    const { executor } = await this.#firstLease();
    return (await executor.call({ kind: 'completeConfig', key: this.#spec.key })) as
      ConfigCompletion | undefined;
  }

  async validateConfig(config: ModelConfig): Promise<void> {
    const { executor } = await this.#firstLease();
    await executor.call({ kind: 'validateConfig', key: this.#spec.key, config });
  }

  async createInstance(context: InstanceContext): Promise<HostedInstance> {
    const first = this.#first;
    this.#first = undefined;
    const instance = `${this.#spec.key}/${this.#instances++}`;
    const lease = await (first ?? this.#lease());
    await lease.executor.call({ kind: 'createInstance', key: this.#spec.key, instance, context });
    return new ExecutorInstance(lease, instance, context.config);
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

  /** The place that is asked for the configuration, and that the first instance gets. */
  #firstLease(): Promise<ExecutorLease> {
    return (this.#first ??= this.#lease());
  }

  /** Takes a place and loads the model there. */
  async #lease(): Promise<ExecutorLease> {
    const lease =
      this.#kind === 'executor-thread' ? this.#pool.lease(this.#spec.key) : this.#pool.leaseOwn(this.#kind);
    this.#leases.push(lease);
    await lease.executor.call({ kind: 'loadModel', spec: this.#spec });
    return lease;
  }
}

class ExecutorInstance implements HostedInstance {
  readonly #lease: ExecutorLease;
  readonly #id: string;
  readonly #outputs: readonly string[];

  constructor(lease: ExecutorLease, id: string, config: ModelConfig) {
    this.#lease = lease;
    this.#id = id;
    this.#outputs = config.output.map((output) => output.name);
  }

  execute(requests: readonly InferenceRequest[], sink: BatchSink): void {
    this.#lease.executor.execute({ instance: this.#id, requests, outputs: this.#outputs, sink });
  }

  async isReady(): Promise<boolean> {
    if (this.#lease.executor.hasEnded) return false;
    return (await this.#lease.executor.call({ kind: 'isReady', instance: this.#id })) === true;
  }

  async close(): Promise<void> {
    if (this.#lease.executor.hasEnded) return;
    await this.#lease.executor.call({ kind: 'closeInstance', instance: this.#id });
  }
}
