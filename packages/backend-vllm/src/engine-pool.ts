import type { InstanceContext, ModelContext } from '@nereid/backend-sdk';
import { BalancedPool } from './balanced-pool.ts';
import { systemClock } from './clock.ts';
import { EngineFleet } from './engine-fleet.ts';
import type { EngineSettings } from './engine-settings.ts';
import type { AcquireHandler, EngineNeed, EnginePool } from './engine.ts';
import { PoolMetrics } from './pool-metrics.ts';

/** The engines of a model version: those elsewhere from the beginning, those of its own as its instances are made. */
export class ModelEngines implements EnginePool {
  readonly #pool: BalancedPool;
  readonly #fleet: EngineFleet;

  constructor(context: ModelContext, settings: EngineSettings) {
    const { modelName, modelVersion, metrics } = context;
    const poolMetrics = new PoolMetrics(metrics, { model: modelName, version: modelVersion });
    this.#pool = new BalancedPool({
      modelName,
      limits: settings.limits,
      clock: systemClock,
      metrics: poolMetrics,
      onEnd: (member, end) => this.#fleet.onEnd(member, end),
    });
    this.#fleet = new EngineFleet({ context, settings, clock: systemClock, pool: this.#pool, poolMetrics });
  }

  get isReady(): boolean {
    return this.#pool.isReady;
  }

  get engineCount(): number {
    return this.#pool.engineCount;
  }

  get wantsPrefixes(): boolean {
    return this.#pool.wantsPrefixes;
  }

  acquire(need: EngineNeed, done: AcquireHandler): () => void {
    return this.#pool.acquire(need, done);
  }

  /** Connects to the engines elsewhere. */
  async connect(): Promise<void> {
    await this.#fleet.connect();
  }

  /**
   * Starts one more engine of our own, for an instance; resolves when it can serve.
   *
   * @returns Stops it.
   * @throws InferenceServerError UNAVAILABLE with the engine's own reason.
   */
  addOwnEngine(instance: InstanceContext): Promise<() => Promise<void>> {
    return this.#fleet.addOwn(instance);
  }

  async close(): Promise<void> {
    this.#pool.close();
    await this.#fleet.close();
  }
}

/** Opens the engines of a model version; those of our own come with its instances. */
export async function openEngines(context: ModelContext, settings: EngineSettings): Promise<ModelEngines> {
  const engines = new ModelEngines(context, settings);
  await engines.connect();
  return engines;
}
