import { InferenceServerError, type BackendModelInstance, type BackendRequest } from '@nereid/backend-sdk';
import type { ExecuteResult, ModelInstanceMethods } from './define-model.ts';
import { InferRequest } from './infer-request.ts';
import type { ModelContext } from './model-context.ts';
import { ResponseBuilder, type ModelResponse } from './model-response.ts';

/** What an instance is made of. */
export interface ScriptInstanceParts {
  readonly methods: ModelInstanceMethods;
  readonly context: ModelContext;
  /** Makes what the model threw an error that names the place in its files, and logs it. */
  readonly onError: (error: unknown) => InferenceServerError;
}

/** One instance of a model: translates between the SDK's batches and what the author wrote. */
export class ScriptInstance implements BackendModelInstance {
  readonly #parts: ScriptInstanceParts;
  readonly #responses: ResponseBuilder;
  readonly #decoupled: boolean;

  constructor(parts: ScriptInstanceParts) {
    this.#parts = parts;
    this.#responses = new ResponseBuilder(parts.context.config);
    this.#decoupled = parts.context.config.model_transaction_policy?.decoupled ?? false;
  }

  async execute(backendRequests: readonly BackendRequest[]): Promise<void> {
    const requests = backendRequests.map((request) => new InferRequest(request, this.#responses));
    if (this.#parts.methods.executeBatch === undefined) {
      await Promise.all(requests.map((request) => this.#executeOne(request)));
    } else {
      await this.#executeBatch(requests);
    }
  }

  async isReady(): Promise<boolean> {
    return (await this.#parts.methods.isReady?.()) ?? true;
  }

  async close(): Promise<void> {
    await this.#parts.methods.close?.();
  }

  async #executeOne(request: InferRequest): Promise<void> {
    const { methods, context } = this.#parts;
    try {
      await this.#answer(request, methods.execute?.(request, context));
    } catch (error) {
      this.#fail(request, error);
    }
  }

  async #answer(request: InferRequest, result: ExecuteResult): Promise<void> {
    if (isIterable(result)) return this.#answerAll(request, result);
    const response = await result;
    if (response !== undefined) request.send(response, true);
    else this.#endOrdinary(request);
  }

  /** Sends what a generator yields; ends it early when the client has gone. */
  async #answerAll(
    request: InferRequest,
    responses: Iterable<ModelResponse> | AsyncIterable<ModelResponse>,
  ): Promise<void> {
    for await (const response of responses) {
      if (request.isCancelled) break;
      request.send(response, !this.#decoupled);
    }
    if (request.isCancelled && !request.isEnded) throw cancelled();
    if (this.#decoupled) request.complete();
    else this.#endOrdinary(request);
  }

  async #executeBatch(requests: readonly InferRequest[]): Promise<void> {
    const { methods, context } = this.#parts;
    try {
      const answers = await methods.executeBatch?.(requests, context);
      for (const [index, request] of requests.entries()) {
        const answer = answers?.[index];
        if (answer instanceof Error) this.#fail(request, answer);
        else if (answer !== undefined) this.#send(request, answer);
        else this.#endOrdinary(request);
      }
    } catch (error) {
      for (const request of requests) this.#fail(request, error);
    }
  }

  #send(request: InferRequest, response: ModelResponse): void {
    try {
      request.send(response, true);
    } catch (error) {
      this.#fail(request, error);
    }
  }

  /** Only a decoupled model may answer later. */
  #endOrdinary(request: InferRequest): void {
    if (this.#decoupled || request.isEnded) return;
    const { modelName } = this.#parts.context;
    request.sendError(
      new InferenceServerError(
        'INTERNAL',
        `model '${modelName}' returned without a response: expected execute to return { outputs }`,
      ),
    );
  }

  #fail(request: InferRequest, error: unknown): void {
    const reason = this.#parts.onError(error);
    if (!request.isEnded) request.sendError(reason);
  }
}

function isIterable(result: ExecuteResult): result is Iterable<ModelResponse> | AsyncIterable<ModelResponse> {
  return typeof result === 'object' && (Symbol.asyncIterator in result || Symbol.iterator in result);
}

function cancelled(): InferenceServerError {
  return new InferenceServerError('CANCELLED', 'the request was cancelled');
}
