import type { ModelConfig } from '@nereid/protocol/model-config';
import { planInstancesByKey, type InstancePlan } from './instance-group.ts';
import type { HostedInstance, InstanceHost } from './instance-host.ts';
import type { InstancePool } from './instance-pool.ts';

/** A change that is ready to be made, or to be given up. */
export interface PreparedChange {
  apply(): void;
  discard(): Promise<void>;
}

/** What the instances of a model version are made of. */
export interface ModelInstancesParts {
  readonly host: InstanceHost;
  readonly pool: InstancePool;
  /** The pool's instances, by the keys of `planInstancesByKey`. */
  readonly instances: ReadonlyMap<string, HostedInstance>;
}

/** The instances of one model version, and where they run. Their number may change while they serve. */
export class ModelInstances {
  readonly #host: InstanceHost;
  readonly #pool: InstancePool;
  readonly #instances: Map<string, HostedInstance>;
  /** Instances that were removed, until they are closed. */
  #leaving: Promise<void> = Promise.resolve();

  constructor({ host, pool, instances }: ModelInstancesParts) {
    this.#host = host;
    this.#pool = pool;
    this.#instances = new Map(instances);
  }

  /** Whether all of them can serve. */
  isReady(): Promise<boolean> {
    return this.#pool.isReady();
  }

  /**
   * Makes the instances that a configuration has more; `apply` puts them in, and takes those out that it has less.
   *
   * @throws InferenceServerError when one can't be made; nothing has changed then.
   */
  async prepareChange(config: ModelConfig): Promise<PreparedChange> {
    // An instance on its way out still holds its place.
    await this.#leaving;
    const plans = planInstancesByKey(config);
    const added = await createInstances(
      this.#host,
      config,
      [...plans].filter(([key]) => !this.#instances.has(key)),
    );
    return {
      apply: () => this.#apply(added, new Set(plans.keys())),
      discard: () => closeAll(added.values()),
    };
  }

  async close(): Promise<void> {
    await this.#pool.close();
    await this.#host.close();
  }

  #apply(added: ReadonlyMap<string, HostedInstance>, wanted: ReadonlySet<string>): void {
    const removed = [...this.#instances].filter(([key]) => !wanted.has(key));
    for (const [key] of removed) this.#instances.delete(key);
    for (const [key, hosted] of added) this.#instances.set(key, hosted);
    this.#pool.add([...added.values()]);
    // An instance that fails to close has nothing left to lose.
    this.#leaving = this.#pool.remove(new Set(removed.map(([, hosted]) => hosted))).catch(() => undefined);
  }
}

/**
 * Has the backend look at the configuration, and makes instances, all or none.
 *
 * @throws InferenceServerError when the backend refuses the configuration, or one can't be made.
 */
export async function createInstances(
  host: InstanceHost,
  config: ModelConfig,
  plans: Iterable<readonly [string, InstancePlan]>,
): Promise<ReadonlyMap<string, HostedInstance>> {
  const made = new Map<string, HostedInstance>();
  // All at once: what an executor is asked for in one turn travels in one message.
  const results = await Promise.allSettled([
    host.validateConfig(config),
    ...[...plans].map(async ([key, plan]) => made.set(key, await host.createInstance({ ...plan, config }))),
  ]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return made;
  await closeAll(made.values());
  throw failed.reason;
}

async function closeAll(instances: Iterable<HostedInstance>): Promise<void> {
  await Promise.all([...instances].map((instance) => instance.close().catch(() => undefined)));
}
