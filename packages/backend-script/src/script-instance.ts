import { InferenceServerError, type BackendModelInstance, type BackendRequest } from '@nereid/backend-sdk';
import type { Answer, AnswerStream, ExecuteResult, ModelInstanceMethods } from './define-model.ts';
import { InferRequest } from './infer-request.ts';
import type { ModelContext } from './model-context.ts';
import { ResponseBuilder } from './model-response.ts';

/** What an instance is made of. */
export interface ScriptInstanceParts {
  readonly methods: ModelInstanceMethods;
  /** Outside of a request. */
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
    if (this.#parts.methods.executeBatch !== undefined) return this.#executeBatch(requests);
    const failures = await Promise.all(requests.map((request) => this.#executeOne(request)));
    // The server counts an execution that throws as failed; the requests have their answers by now.
    const [failure] = failures;
    if (failure !== undefined && !failures.includes(undefined)) throw failure;
  }

  async isReady(): Promise<boolean> {
    return (await this.#parts.methods.isReady?.()) ?? true;
  }

  async close(): Promise<void> {
    await this.#parts.methods.close?.();
  }

  /** @returns What was thrown, when that ended the request. */
  async #executeOne(request: InferRequest): Promise<InferenceServerError | undefined> {
    const { methods, context } = this.#parts;
    try {
      await this.#answer(request, methods.execute?.(request, context.for(request)));
      return undefined;
    } catch (error) {
      return this.#fail(request, error);
    }
  }

  async #answer(request: InferRequest, result: ExecuteResult): Promise<void> {
    const answer = isStream(result) ? await this.#answerAll(request, result) : await result;
    if (answer !== undefined) request.answer(answer, true);
    else if (isStream(result)) request.complete();
    else this.#endOrdinary(request);
  }

  /**
   * Answers with what a generator yields; ends it early when the client has gone.
   *
   * @returns Its last answer, if it returned one.
   */
  async #answerAll(request: InferRequest, answers: AnswerStream): Promise<Answer | void> {
    const iterator =
      Symbol.asyncIterator in answers ? answers[Symbol.asyncIterator]() : answers[Symbol.iterator]();
    for (;;) {
      const { done = false, value } = await iterator.next();
      if (done) return value;
      try {
        if (request.isCancelled) throw new InferenceServerError('CANCELLED', 'the request was cancelled');
        if (value !== undefined) request.answer(value, false);
        await request.ready();
      } catch (error) {
        await iterator.return?.();
        throw error;
      }
    }
  }

  async #executeBatch(requests: readonly InferRequest[]): Promise<void> {
    const { methods, context } = this.#parts;
    const answers = await this.#guard(() => methods.executeBatch?.(requests, context));
    for (const [index, request] of requests.entries()) {
      const answer = answers?.[index];
      if (answer === undefined) this.#endOrdinary(request);
      else this.#answerWhole(request, answer);
    }
  }

  /** The server answers with a thrown error what is open by then. */
  async #guard<T>(call: () => T | Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw this.#parts.onError(error);
    }
  }

  /** An answer that can't be sent fails its own request only. */
  #answerWhole(request: InferRequest, answer: Answer): void {
    try {
      request.answer(answer, true);
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

  #fail(request: InferRequest, error: unknown): InferenceServerError {
    const reason = this.#parts.onError(error);
    if (!request.isEnded) request.sendError(reason);
    return reason;
  }
}

function isStream(result: ExecuteResult): result is AnswerStream {
  return typeof result === 'object' && (Symbol.asyncIterator in result || Symbol.iterator in result);
}
