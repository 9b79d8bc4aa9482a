import type { Parameters, SequenceFields, Tensor } from '@nereid/protocol';
import type { ResponseSender } from './response-sender.ts';
import type { TraceContext } from './trace-context.ts';

/** A request as a backend sees it: validated against the model's configuration, reshaped where that says so. */
export interface BackendRequest extends ResponseSender {
  /** The client's id, '' when it gave none. */
  readonly id: string;
  /** The inputs that were given, in the order of the configuration. Their bytes must not be kept or changed. */
  readonly inputs: readonly Tensor[];
  /** The input of that name, undefined when it is optional and was left out. */
  input(name: string): Tensor | undefined;
  /** Rows of this request along the batch dimension; 1 for a model with `max_batch_size: 0`. */
  readonly batchSize: number;
  /** Names of the outputs the client wants; never empty. */
  readonly requestedOutputs: readonly string[];
  /** Whether the client wants an output: asked before computing or copying one that is dear. */
  wants(output: string): boolean;
  /** Custom parameters of the request; an empty object when there are none. */
  readonly parameters: Parameters;
  /** The sequence it belongs to, with its start and end flags. */
  readonly sequence: SequenceFields | undefined;
  readonly priority: number;
  /** How long the client wants to wait, in microseconds, as it said it; 0: no limit. */
  readonly timeoutUs: number;
  /** When the client stops waiting, in milliseconds since the epoch; undefined: no limit. */
  readonly deadline: number | undefined;
  /** The trace it belongs to; undefined when it is not traced. */
  readonly traceContext: TraceContext | undefined;
  /**
   * Notes a moment of the execution in the trace of the request, as of now. What lies between `<name>_START` and
   * `<name>_END` becomes a span `<name>` below `compute` in mode `opentelemetry`; any other name is an event. Nothing
   * happens where the request is not traced with level TIMESTAMPS, or was answered to the end.
   *
   * @param name - In capitals, as Triton's own: `TOKENIZE_START`. Names of the server (`COMPUTE_START` …) are not to
   *   be used.
   */
  recordActivity(name: string): void;
  /** Whether the client has gone or cancelled. Cheap to ask. */
  readonly isCancelled: boolean;
  /** Aborts when the client goes or cancels, for what takes an AbortSignal. Made when first read. */
  readonly signal: AbortSignal;
  /**
   * Has a listener called, once, when the client goes or cancels; at once, if it has. The cheap way for backends that
   * hear of each request: no AbortSignal is made.
   */
  onCancel(listener: () => void): void;
  /**
   * Resolves when a further response is wanted: at once, unless whoever takes the responses of a decoupled model can't
   * keep up (a client that reads slowly, an ensemble with `max_inflight_requests`). Resolves on cancellation, too. What is
   * sent without waiting is kept in memory.
   */
  ready(): Promise<void>;
  /**
   * Has a listener called with true when no further response is wanted for now, as {@link ready} tells it, and with false
   * when it is again; at once with true, if it is so already. For backends whose models run elsewhere.
   */
  onPause(listener: (isPaused: boolean) => void): void;
  /**
   * Says of a request of an ordinary model that it is answered after `execute` has returned. The instance gets its next batch
   * meanwhile. A decoupled model need not say so.
   */
  answerLater(): void;
  /**
   * Gives the request back, to be executed again in a later batch, in place of ending it. So a model with
   * `sequence_batching { iterative_sequence: true }` works through a request step by step, and new requests join
   * between the steps. Nothing may be sent for it any more in this execution; its START is set in the first one alone.
   *
   * @param states - Outputs that carry the implicit state (`sequence_batching.state`) for the next execution. States
   *   that are left out stay as they are. Default: none.
   * @throws InferenceServerError INTERNAL when the model is not iterative or the request has ended.
   */
  reschedule(states?: readonly Tensor[]): void;
}
