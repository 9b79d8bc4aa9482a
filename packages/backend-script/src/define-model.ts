import type { ConfigCompletion, Init, ModelConfig } from '@nereid/backend-sdk';
import type { InferRequest } from './infer-request.ts';
import type { ModelContext } from './model-context.ts';
import type { ModelResponse } from './model-response.ts';

/** An answer to a request: a response, or an error in its place. */
export type Answer = ModelResponse | Error;

/** The answers of a decoupled model, as a generator makes them: what it yields, and what it may return as the last one. */
export type AnswerStream =
  Iterable<Answer, Answer | void, undefined> | AsyncIterable<Answer, Answer | void, undefined>;

/** What `execute` may answer: one response, or a stream of them from a decoupled model. */
export type ExecuteResult = void | Answer | AnswerStream | Promise<void | Answer>;

/** What `executeBatch` may answer: an answer for each request, in their order. */
export type ExecuteBatchResult = void | readonly Answer[] | Promise<void | readonly Answer[]>;

/** What executes requests: one instance of a model. Has `execute` or `executeBatch`. */
export interface ModelInstanceMethods {
  /**
   * Answers one request. The requests of a batch are executed side by side. A decoupled model answers with a
   * generator (`async *execute`), once for each `yield` and once more if it returns an answer, or through
   * `request.send`. A thrown error answers this request alone, and ends it.
   */
  execute?(request: InferRequest, context: ModelContext): ExecuteResult;
  /**
   * Answers all requests of a batch together, for models whose work is cheaper that way. A thrown error answers
   * those that have no answer yet.
   */
  executeBatch?(requests: readonly InferRequest[], context: ModelContext): ExecuteBatchResult;
  /** Whether the instance can serve; false makes the model's readiness fail. Default: true. */
  isReady?(): boolean | Promise<boolean>;
  /** Frees what the instance holds. */
  close?(): void | Promise<void>;
}

/** What the model says of its own configuration. What `config.pbtxt` says stays as it is. */
export type ModelConfigPart = Init<Pick<ModelConfig, keyof ConfigCompletion>>;

/** A model as its author writes it: the default export of `model.ts`. */
export interface ModelDefinition extends ModelInstanceMethods {
  /** Fills in what `config.pbtxt` leaves out, so that a model needs none. */
  readonly config?: ModelConfigPart | ((config: ModelConfig) => ModelConfigPart | Promise<ModelConfigPart>);
  /**
   * Called for each instance before its first request. State that belongs to an instance lives here: what is
   * returned executes. Without a result the definition itself does.
   */
  load?(context: ModelContext): void | ModelInstanceMethods | Promise<void | ModelInstanceMethods>;
}

/**
 * Declares a model: gives its parts their types and returns it as it is.
 *
 * ```ts
 * export default defineModel({
 *   config: {
 *     input: [{ name: 'TEXT', data_type: 'TYPE_STRING', dims: [1] }],
 *     output: [{ name: 'LENGTH', data_type: 'TYPE_INT32', dims: [1] }],
 *   },
 *   execute(request) {
 *     const [text = ''] = request.input('TEXT').toStrings();
 *     return { outputs: { LENGTH: [text.length] } };
 *   },
 * });
 * ```
 */
export function defineModel(definition: ModelDefinition): ModelDefinition {
  return definition;
}
