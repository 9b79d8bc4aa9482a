import { InferenceServerError, type InstanceContext, type ModelContext } from '@nereid/backend-sdk';
import { EngineConnection } from './engine-connection.ts';
import type { AcquireHandler, EngineNeed, EnginePool } from './engine.ts';
import type { EngineSettings } from './engine-settings.ts';

/** One engine, as many requests as come: without queue, health or balance. */
class FixedEnginePool implements EnginePool {
  readonly isReady = true;
  readonly engineCount = 1;
  readonly wantsPrefixes = false;
  readonly #engine: EngineConnection;

  constructor(engine: EngineConnection) {
    this.#engine = engine;
  }

  acquire(need: EngineNeed, done: AcquireHandler): () => void {
    if (need.not.has(this.#engine)) {
      done(undefined, new InferenceServerError('UNAVAILABLE', 'no engine is left to try'));
    } else {
      done({ engine: this.#engine, onLost: undefined, release: () => undefined }, undefined);
    }
    return () => undefined;
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}

/** Opens the engines of a model version; those of our own come with its instances. */
export async function openEngines(context: ModelContext, settings: EngineSettings): Promise<EnginePool> {
  const [url] = settings.urls;
  if (url === undefined) {
    throw new InferenceServerError('UNSUPPORTED', `model '${context.modelName}' needs 'engine_url'`);
  }
  const modelName = settings.engineModel ?? context.modelName;
  return new FixedEnginePool(
    await EngineConnection.open({ url, preset: settings.preset, key: settings.key, modelName }),
  );
}

/**
 * One more engine of our own, for an instance; resolves when it is ready.
 *
 * @returns Stops it.
 */
export function addOwnEngine(
  _pool: EnginePool,
  context: ModelContext,
  _instance: InstanceContext,
): Promise<() => Promise<void>> {
  const message = `model '${context.modelName}' needs 'engine_url'`;
  return Promise.reject(new InferenceServerError('UNSUPPORTED', message));
}
