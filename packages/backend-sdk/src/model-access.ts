import type { Parameters, SequenceFields, Tensor } from '@nereid/protocol';
import { InferenceServerError } from '@nereid/protocol/inference-server-error';
import type { BackendRequest } from './backend-request.ts';
import type { BackendResponse } from './response-sender.ts';

/** An inference on another model of the same server. */
export interface InferCall {
  /** Of models of one name in several repositories (`--model-namespacing`), the one beside the calling model is meant. */
  readonly modelName: string;
  /** Default: the highest ready version. */
  readonly modelVersion?: string;
  /** Are not copied on their way to the model's batch: their bytes must not change until the call has ended. */
  readonly inputs: readonly Tensor[];
  /** Default: all outputs of the model. */
  readonly outputs?: readonly string[];
  /** Default: that of the calling request. */
  readonly id?: string;
  readonly parameters?: Parameters;
  /** Default: the model's own. */
  readonly priority?: number;
  /** How long it may wait in the model's queue, in microseconds. Never longer than the calling request has left. */
  readonly timeoutUs?: number;
  readonly sequence?: SequenceFields;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
  /**
   * The request that it is made for: when that is cancelled, so is the call; what is left of its time limits the
   * call; and in a trace the call is its child.
   */
  readonly request?: BackendRequest;
}

/** What a load takes in place of what lies in the repository. */
export interface LoadOverride {
  /** The configuration as JSON text. */
  readonly config?: string;
  /** Files by their path in the model's folder, in place of the whole folder; they need a `config`. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

/**
 * The other models of the server, for backends that run `in-process`. A call takes the way of any other request: it
 * is validated, queued, batched with others and counted.
 *
 * A model must not wait for a call to itself when all its instances may be waiting in the same way: none would ever
 * become free. The same holds for models that call one another in a circle.
 */
export interface ModelAccess {
  /**
   * Runs one inference.
   *
   * @throws InferenceServerError with the called model's own code; NOT_FOUND or UNAVAILABLE for one that is not there;
   *   with `--model-namespacing` INVALID_ARG for a name that nobody has, or only models in several other repositories;
   *   UNSUPPORTED for a decoupled one, and for a backend that does not run in process.
   */
  infer(call: InferCall): Promise<BackendResponse>;
  /**
   * Runs one inference and gives its responses as they come, of a decoupled model or any other. Ending the iteration
   * early cancels it. Throws as `infer`, also in place of a later response.
   */
  inferStream(call: InferCall): AsyncIterable<BackendResponse>;
  /** @param version - Default: the highest ready one. */
  isReady(modelName: string, version?: string): Promise<boolean>;
  /**
   * Loads a model, or loads it again, as a client's load request does.
   *
   * @throws InferenceServerError with the reason why it can't be loaded; UNAVAILABLE when the server's control mode is
   *   not `explicit`.
   */
  load(modelName: string, override?: LoadOverride): Promise<void>;
  /** Unloads a model; its running requests end first. Throws as `load`. */
  unload(modelName: string, options?: { readonly unloadDependents?: boolean }): Promise<void>;
}

/** Access to models where there is none: each call fails with the reason. */
export function createNoModelAccess(reason: string): ModelAccess {
  const fail = (): never => {
    throw new InferenceServerError('UNSUPPORTED', reason);
  };
  const reject = async (): Promise<never> => fail();
  return { infer: reject, inferStream: fail, isReady: reject, load: reject, unload: reject };
}
