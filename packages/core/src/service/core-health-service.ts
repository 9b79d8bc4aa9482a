import { InferenceServerError } from '@nereid/protocol';
import type { ModelLifecycle } from '../model/model-lifecycle.ts';
import type { ModelRegistry } from '../model/model-registry.ts';
import type { HealthService } from './health-service.ts';

/** The states of a server: starting → serving → exiting. */
export type ServerState = 'starting' | 'serving' | 'exiting';

/** What health looks at. */
export interface HealthServiceParts {
  readonly registry: ModelRegistry;
  readonly lifecycle: ModelLifecycle;
  readonly strictReadiness: boolean;
}

/** Tells whether the server and its models can be used. */
export class CoreHealthService implements HealthService {
  readonly #parts: HealthServiceParts;
  state: ServerState = 'starting';

  constructor(parts: HealthServiceParts) {
    this.#parts = parts;
  }

  live(): boolean {
    this.#assertNotExiting();
    return true;
  }

  ready(): boolean {
    this.#assertNotExiting();
    if (this.state === 'starting') return false;
    return !this.#parts.strictReadiness || this.#parts.lifecycle.isComplete;
  }

  async modelReady(name: string, version: string): Promise<boolean> {
    this.#assertNotExiting();
    return this.#parts.registry.isReady(name, version);
  }

  #assertNotExiting(): void {
    if (this.state === 'exiting')
      throw new InferenceServerError('UNAVAILABLE', 'the server is shutting down');
  }
}
