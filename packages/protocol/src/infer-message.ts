/**
 * The inference request and response as both protocols see them: what the HTTP and gRPC codecs read and write.
 * Tensor contents stay bytes, little-endian and row-major, BYTES elements with a 4-byte length before each.
 */
import type { Datatype } from './datatype.ts';

/**
 * The value of a request or response parameter. Integers are numbers while they are safe integers and bigints
 * beyond; a number with a fraction is a double.
 */
export type ParameterValue = boolean | number | bigint | string;

/** Parameters by name. `undefined` stands for none, so that requests without any allocate nothing. */
export type Parameters = Readonly<Record<string, ParameterValue>>;

/** A named tensor. `data` may be a view into a larger buffer and must not be written to. */
export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** Dimensions, non-negative integers; an empty shape is a scalar. */
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Where the bytes of a tensor lie in a registered shared-memory region. */
export interface SharedMemoryRef {
  readonly region: string;
  readonly byteSize: number;
  readonly offset: number;
}

/** An input of a request: its bytes inline, or a place in shared memory. */
export interface InferInput {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** Absent only when `sharedMemory` is there. */
  readonly data?: Uint8Array;
  readonly sharedMemory?: SharedMemoryRef;
}

/** An output that the client asked for by name. */
export interface InferRequestedOutput {
  readonly name: string;
  /** Return the K best classes instead of the tensor; 0: the tensor itself. */
  readonly classification: number;
  /** HTTP only: this output as bytes after the JSON instead of a `data` list. */
  readonly binaryData: boolean;
  readonly sharedMemory?: SharedMemoryRef;
}

/** The sequence a request belongs to; id 0 or '' means none. */
export interface SequenceFields {
  readonly id: number | bigint | string;
  readonly start: boolean;
  readonly end: boolean;
}

/** An inference request as decoded from either protocol. */
export interface InferRequestMessage {
  readonly modelName: string;
  /** '' = the highest ready version. */
  readonly modelVersion: string;
  readonly id: string;
  readonly inputs: readonly InferInput[];
  /** Empty: all outputs of the model. */
  readonly outputs: readonly InferRequestedOutput[];
  /** HTTP only: outputs that are not listed in `outputs` come back binary. */
  readonly binaryDataOutput: boolean;
  /** 0 or out of range: the model's default level. */
  readonly priority: number;
  /** How long the request may wait in the queue, in microseconds; 0: as the model says. */
  readonly timeoutUs: number;
  readonly sequence: SequenceFields | undefined;
  /** Custom parameters, without the ones above; undefined when there are none. */
  readonly parameters: Parameters | undefined;
  /** HTTP raw-binary mode: the whole body is the model's only input, whose shape the server works out. */
  readonly rawInput?: Uint8Array;
  /** gRPC streams: the client wants an empty response with the final flag (`triton_enable_empty_final_response`). */
  readonly enableEmptyFinalResponse?: boolean;
}

/** An output as either protocol writes it. */
export interface InferOutput extends Tensor {
  /** Set when the bytes went into shared memory: `data` is then empty. */
  readonly sharedMemory?: SharedMemoryRef;
}

/** An inference response as encoded by either protocol. */
export interface InferResponseMessage {
  readonly modelName: string;
  readonly modelVersion: string;
  /** '' when the request had none. */
  readonly id: string;
  readonly parameters: Parameters | undefined;
  readonly outputs: readonly InferOutput[];
}
