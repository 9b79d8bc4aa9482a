/** The frames between the server and the process of a model, as python/nereid_stub has them. */
import type { Datatype, StatusCode } from '@nereid/backend-sdk';
import type { MemoryPaths } from './shared-memory-files.ts';
import type { WireId, WireParameters } from './wire-parameters.ts';

/** A tensor in a header; its bytes follow the header, in the order of the tensors, unless they lie in memory of the server. */
export type WireTensor = readonly [
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  byteSize: number,
  loan?: Loan,
];

/** Bytes in a file of the server's memory: `descriptor` in the folder that it has told of. The process gives them back by `number`. */
export type Loan = readonly [number: number, descriptor: number, offset: number];

export interface WireError {
  readonly message: string;
  readonly code: StatusCode;
  /** Python's own account of an exception, for the log. */
  readonly traceback?: string;
}

/** A request of a batch. Absent fields have their defaults in Python. */
export interface WireRequest {
  readonly id?: string;
  readonly inputs: readonly WireTensor[];
  readonly outputs: readonly string[];
  readonly parameters?: WireParameters;
  readonly correlation_id?: WireId;
  /** 1: start, 2: end of the sequence. */
  readonly flags?: number;
  readonly priority?: number;
  /** Microseconds. */
  readonly timeout?: number;
  /** W3C trace context. */
  readonly trace?: { readonly traceparent: string; readonly tracestate?: string };
  /** Whether the server wants to hear of activities; also true in traces that have no such context. */
  readonly traced?: true;
}

export interface WireResponse {
  readonly outputs?: readonly WireTensor[];
  readonly parameters?: WireParameters;
  readonly error?: WireError;
  /** The model wants to see the request again (iterative sequences). */
  readonly reschedule?: boolean;
}

/** What the server asks the process to do, one at a time, each answered by a `reply`. */
export type Action = 'load' | 'auto_complete' | 'initialize' | 'is_ready' | 'finalize';

/** Frames to the process. */
export type ToStub =
  | { readonly kind: 'call'; readonly call: number; readonly action: Action; readonly value: unknown }
  | {
      readonly kind: 'execute';
      readonly batch: number;
      readonly requests: readonly WireRequest[];
      /** The tensors of `batch_input`; their bytes follow those of the requests. */
      readonly batch_inputs?: readonly WireTensor[];
    }
  | { readonly kind: 'cancel'; readonly batch: number; readonly index: number }
  /** Whoever takes the responses can't keep up, or can again. */
  | { readonly kind: 'pause'; readonly batch: number; readonly index: number; readonly paused: boolean }
  /** What it offered is used: it may do so, too. `folder`: where the server's own memory files are, to borrow from. */
  | { readonly kind: 'memory'; readonly folder?: string }
  | ({ readonly kind: 'answer'; readonly call: number; readonly final: boolean } & WireAnswer);

/** The answer to a question of the process. */
export interface WireAnswer {
  readonly outputs?: readonly WireTensor[];
  readonly parameters?: WireParameters;
  readonly error?: WireError;
  /** The end of a stream, without a response. */
  readonly empty?: boolean;
  readonly value?: unknown;
}

/** Frames from the process. */
export type FromStub =
  | { readonly kind: 'reply'; readonly call: number; readonly value?: unknown; readonly error?: WireError }
  | DoneFrame
  | {
      readonly kind: 'response';
      readonly batch: number;
      readonly index: number;
      readonly final: boolean;
      readonly response?: WireResponse;
    }
  /** A coroutine of a decoupled model, whose execution has returned long ago, gives a request back. */
  | { readonly kind: 'reschedule'; readonly batch: number; readonly index: number }
  | InferFrame
  | AskFrame
  | ReaderFrame
  /** The model notes a moment in the trace of a request. */
  | { readonly kind: 'activity'; readonly batch: number; readonly index: number; readonly name: string }
  /** Memory files that the server may open. */
  | ({ readonly kind: 'memory' } & MemoryPaths)
  /** It can map the server's memory. */
  | { readonly kind: 'borrows' }
  | {
      readonly kind: 'log';
      readonly level: 'verbose' | 'info' | 'warning' | 'error';
      readonly message: string;
    }
  | {
      readonly kind: 'metric_new';
      readonly call: number;
      readonly metric: number;
      readonly family: {
        readonly name: string;
        readonly description: string;
        readonly kind: 'counter' | 'gauge' | 'histogram';
      };
      readonly labels: Readonly<Record<string, string>>;
      readonly buckets?: readonly number[];
    }
  | { readonly kind: 'metric_value'; readonly call: number; readonly metric: number }
  | {
      readonly kind: 'metric';
      readonly metric: number;
      readonly action: 'increment' | 'set' | 'observe';
      readonly value: number;
    };

/** `execute` has returned. */
export interface DoneFrame {
  readonly kind: 'done';
  readonly batch: number;
  /** One a request, null where a response sender answers; absent for decoupled models. */
  readonly responses?: readonly (WireResponse | null)[];
  /** Which requests of a decoupled model are to be executed again; absent: none. */
  readonly reschedule?: readonly boolean[];
  /** It raised. */
  readonly failed?: WireError;
}

/** The model runs an inference on another one; answered by `answer` frames. */
export interface InferFrame {
  readonly kind: 'infer';
  readonly call: number;
  readonly model_name: string;
  /** '' for the highest ready one. */
  readonly model_version: string;
  readonly id: string;
  readonly inputs: readonly WireTensor[];
  /** Empty: all. */
  readonly outputs: readonly string[];
  readonly correlation_id: WireId;
  readonly flags: number;
  readonly timeout: number;
  readonly parameters: WireParameters;
  readonly decoupled: boolean;
  /** The request that it is made for, where the model said so: its batch and its place there. */
  readonly request: readonly [batch: number, index: number] | null;
}

/** What becomes of the answers to a request of the model. */
export interface ReaderFrame {
  readonly kind: 'reader';
  readonly call: number;
  /** It wants no more of them; it has taken some of a stream; it has let go of a stream, and reads no more. */
  readonly says: 'cancel' | 'taken' | 'left';
  /** Of what it has taken since it told so last. */
  readonly bytes?: number;
}

/** The model asks the server for something else. */
export interface AskFrame {
  readonly kind: 'ask';
  readonly call: number;
  readonly action: 'load_model' | 'unload_model' | 'is_model_ready';
  readonly value: {
    readonly model_name: string;
    readonly model_version?: string;
    /** JSON text. */
    readonly config?: string | null;
    /** Base64 by `file:<path>`. */
    readonly files?: Readonly<Record<string, string>>;
    readonly unload_dependents?: boolean;
  };
}
