import { InferenceServerError, type BackendModelInstance, type BackendRequest } from '@nereid/backend-sdk';
import type { EngineRequest } from './answer-reader.ts';
import { clientKeyOf } from './client-key.ts';
import type { EnginePool } from './engine.ts';
import { GenerationRun } from './generation-run.ts';
import { readOpenAiRequest } from './openai-request.ts';
import type { StreamMetrics } from './stream-metrics.ts';
import { readTextRequest, type TextModel } from './text-request.ts';

/** What the instances of a model share, and how one ends. */
export interface VllmInstanceParts {
  readonly pool: EnginePool;
  readonly metrics: StreamMetrics;
  readonly model: TextModel;
  /** Stops the engine of this instance. */
  readonly close: () => Promise<void>;
}

/** Hands requests to the engines; never waits for one. */
export class VllmInstance implements BackendModelInstance {
  readonly #parts: VllmInstanceParts;

  constructor(parts: VllmInstanceParts) {
    this.#parts = parts;
  }

  execute(requests: readonly BackendRequest[]): void {
    for (const client of requests) this.#start(client);
  }

  isReady(): boolean {
    return this.#parts.pool.isReady;
  }

  close(): Promise<void> {
    return this.#parts.close();
  }

  #start(client: BackendRequest): void {
    const { pool, metrics, model } = this.#parts;
    let request: EngineRequest;
    try {
      request = readRequest(client, model);
    } catch (error) {
      client.sendError(error, true);
      return;
    }
    const clientKey = clientKeyOf(client.parameters, model.clientKeyParameter);
    GenerationRun.start({ client, request, pool, metrics, clientKey });
  }
}

function readRequest(client: BackendRequest, model: TextModel): EngineRequest {
  if (client.input('openai_request') === undefined) return readTextRequest(client, model);
  if (client.input('text_input') !== undefined) {
    throw new InferenceServerError(
      'INVALID_ARG',
      "expected one of the inputs 'text_input' and 'openai_request', found both",
    );
  }
  const lora = client.parameters['lora_name'];
  return readOpenAiRequest(client, lora === undefined ? undefined : model.resolveLora(String(lora)));
}
