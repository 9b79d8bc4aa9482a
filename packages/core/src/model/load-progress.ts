import type { Logger } from '@nereid/backend-sdk';
import type { ModelIdentifier } from '../model-identifier.ts';
import type { ModelRegistry } from './model-registry.ts';

/** A version that is being loaded. */
export interface LoadingVersion {
  readonly id: ModelIdentifier;
  readonly version: number;
}

/**
 * What loads that take long are doing: in the log, and in the repository index as the reason of LOADING. Backends name a
 * model version by the key of its load.
 */
export class LoadProgress {
  readonly #registry: Pick<ModelRegistry, 'setStatus'>;
  readonly #logger: Logger;
  readonly #loading = new Map<string, LoadingVersion>();

  constructor(registry: Pick<ModelRegistry, 'setStatus'>, logger: Logger) {
    this.#registry = registry;
    this.#logger = logger;
  }

  begin(key: string, loading: LoadingVersion): void {
    this.#loading.set(key, loading);
  }

  end(key: string): void {
    this.#loading.delete(key);
  }

  /** Of a version that serves, or has served, its progress is only logged: it is that of a new start of what it needs. */
  report(key: string, text: string): void {
    const loading = this.#loading.get(key);
    if (loading === undefined) {
      this.#logger.info(`model '${key.replace(/#\d+$/, '')}': ${text}`);
      return;
    }
    const { id, version } = loading;
    this.#logger.info(`loading '${id}' version ${version}: ${text}`, { model: id, version: String(version) });
    this.#registry.setStatus(id, [version], 'LOADING', text);
  }
}
