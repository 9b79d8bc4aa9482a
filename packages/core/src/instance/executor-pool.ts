import { startProcess, startThread } from './executor-channel.ts';
import { Executor, type ExecutorServices } from './executor.ts';

/** A place on an executor. */
export interface ExecutorLease {
  readonly executor: Executor;
  /** Gives the place back; ends an executor that served this lease alone. */
  release(): Promise<void>;
}

interface PooledExecutor {
  readonly executor: Executor;
  /** Leases by model key. */
  readonly models: Map<string, number>;
  leases: number;
}

/**
 * The executor threads that all models share, grown on demand up to a limit. The instances of one model are
 * spread: they share a thread only when each thread of the full pool has one of them.
 */
export class ExecutorPool {
  readonly #limit: number;
  readonly #services: ExecutorServices;
  #shared: PooledExecutor[] = [];
  readonly #own = new Set<Executor>();
  readonly #firstLease = Promise.withResolvers<void>();

  /** @param limit - Most shared threads; about the number of cores. */
  constructor(limit: number, services: ExecutorServices) {
    this.#limit = limit;
    this.#services = services;
  }

  /** Number of shared threads that run. */
  get size(): number {
    return this.#shared.length;
  }

  /** Starts the first shared thread ahead of the first model: it boots while the configurations are read. */
  prewarm(): void {
    if (this.#shared.length === 0) this.#grow();
  }

  /** Resolves when an executor has its first model to load. */
  get firstLease(): Promise<void> {
    return this.#firstLease.promise;
  }

  /** A place on a shared thread for an instance of a model. */
  lease(modelKey: string): ExecutorLease {
    this.#shared = this.#shared.filter(({ executor }) => !executor.hasEnded);
    const pooled = this.#choose(modelKey);
    this.#firstLease.resolve();
    pooled.leases += 1;
    pooled.models.set(modelKey, (pooled.models.get(modelKey) ?? 0) + 1);
    return {
      executor: pooled.executor,
      release: () => {
        pooled.leases -= 1;
        const left = (pooled.models.get(modelKey) ?? 1) - 1;
        if (left > 0) pooled.models.set(modelKey, left);
        else pooled.models.delete(modelKey);
        return Promise.resolve();
      },
    };
  }

  /** A thread or process for one instance alone. */
  leaseOwn(kind: 'own-thread' | 'child-process'): ExecutorLease {
    this.#firstLease.resolve();
    const executor = new Executor(kind === 'own-thread' ? startThread : startProcess, this.#services);
    this.#own.add(executor);
    return {
      executor,
      release: () => {
        this.#own.delete(executor);
        return executor.close();
      },
    };
  }

  /** Ends all executors. */
  async close(): Promise<void> {
    const all = [...this.#shared.map(({ executor }) => executor), ...this.#own];
    this.#shared = [];
    this.#own.clear();
    await Promise.all(all.map((executor) => executor.close()));
  }

  /**
   * The thread with the fewest instances of the model, then with the fewest of all, then with the least to do: the first
   * instance of a model has its file read. A new one while there may be.
   */
  #choose(modelKey: string): PooledExecutor {
    const instancesOf = ({ models }: PooledExecutor): number => models.get(modelKey) ?? 0;
    const best = this.#shared.toSorted(
      (a, b) =>
        instancesOf(a) - instancesOf(b) || a.leases - b.leases || a.executor.openCalls - b.executor.openCalls,
    )[0];
    if (best !== undefined && (best.leases === 0 || this.#shared.length >= this.#limit)) return best;
    return this.#grow();
  }

  #grow(): PooledExecutor {
    const grown = {
      executor: new Executor(startThread, this.#services),
      models: new Map<string, number>(),
      leases: 0,
    };
    this.#shared.push(grown);
    return grown;
  }
}
