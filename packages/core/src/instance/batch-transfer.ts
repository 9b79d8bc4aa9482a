/**
 * How the tensors of a batch travel between threads: requests in one buffer, in which the parts of each input
 * lie back to back (so that the backend's batched tensor is a view), responses in buffers that change owner.
 */
import { InferenceServerError, type Tensor } from '@nereid/protocol';
import { copyBytes } from '../memory/copy-bytes.ts';
import type { Region } from '../memory/region.ts';
import type { InferenceRequest } from '../request/inference-request.ts';
import { errorResponse, type InferenceResponse } from '../response/inference-response.ts';
import { toHostedFields } from './hosted-fields.ts';
import type {
  WireBuffer,
  WireError,
  WireRequest,
  WireRequestExtras,
  WireResponse,
  WireTensor,
} from './executor-messages.ts';

const NO_REGIONS: readonly Region[] = [];

/** Each input begins at a multiple of this, so that typed arrays can be laid on it. */
const ALIGNMENT = 64;

/**
 * The regions of a batch whose inputs need not be copied: those of a request that runs alone. Inputs of several
 * requests must lie back to back.
 */
export function passedRegions(requests: readonly InferenceRequest[]): readonly Region[] {
  const [request] = requests;
  if (request?.sharedMemory === undefined || requests.length > 1) return NO_REGIONS;
  const { inputs, sharedMemory } = request;
  return sharedMemory.regions.filter(({ memory }) =>
    inputs.some(({ data }) => data.buffer === memory.buffer),
  );
}

/** Bytes that a batch needs, besides those that stay in `regions`. */
export function batchByteLength(
  requests: readonly InferenceRequest[],
  regions: readonly Region[] = NO_REGIONS,
): number {
  let total = 0;
  for (const { inputs } of requests) {
    for (const { data } of inputs) {
      if (indexOfRegion(regions, data) < 0) total += data.byteLength + ALIGNMENT;
    }
  }
  return total;
}

function indexOfRegion(regions: readonly Region[], { buffer }: Uint8Array): number {
  return regions.length === 0 ? -1 : regions.findIndex(({ memory }) => memory.buffer === buffer);
}

/** How a batch is laid out. */
export interface PackOptions {
  /** Takes the inputs. */
  readonly buffer: WireBuffer;
  /** Inputs in these stay where they are. Default: none. */
  readonly regions?: readonly Region[];
  /** The outputs of the model, for requests that name none. */
  readonly allOutputs: readonly string[];
}

/** Where the inputs of a batch go. */
export interface GatherOptions {
  readonly target: Uint8Array;
  /** Where the first one goes in `target`. */
  readonly start: number;
  /** Inputs in these stay where they are. Default: none. */
  readonly regions?: readonly Region[];
}

/** An input that has its place. */
interface PlacedInput {
  readonly row: number;
  readonly column: number;
  readonly tensor: Tensor;
  /** Index of the region in which it stays; -1: it is in the target. */
  readonly region: number;
  readonly offset: number;
}

/**
 * Copies the inputs of a batch into a buffer, input by input, the parts of each back to back, and tells where each went.
 *
 * @param place - Returns false to end it.
 * @returns Where the last one ended; -1: they don't fit, or `place` ended it.
 */
export function gatherInputs(
  requests: readonly InferenceRequest[],
  { target, start, regions = NO_REGIONS }: GatherOptions,
  place: (input: PlacedInput) => boolean,
): number {
  const columns = Math.max(...requests.map((request) => request.inputs.length));
  let offset = start;
  for (let column = 0; column < columns; column += 1) {
    offset = Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
    for (const [row, { inputs }] of requests.entries()) {
      const tensor = inputs[column];
      if (tensor === undefined) continue;
      const { data } = tensor;
      const region = indexOfRegion(regions, data);
      if (region < 0 && offset + data.byteLength > target.byteLength) return -1;
      if (!place({ row, column, tensor, region, offset: region < 0 ? offset : data.byteOffset })) return -1;
      if (region >= 0) continue;
      copyBytes(data, target, offset);
      offset += data.byteLength;
    }
  }
  return offset;
}

/** Lays the inputs of a batch out in a buffer, input by input. */
export function packBatch(
  requests: readonly InferenceRequest[],
  { buffer, regions, allOutputs }: PackOptions,
): WireRequest[] {
  const tensors: WireTensor[][] = requests.map(() => []);
  const target = new Uint8Array(buffer);
  gatherInputs(
    requests,
    { target, start: 0, ...(regions && { regions }) },
    ({ row, tensor, region, offset }) => {
      const { name, datatype, shape, data } = tensor;
      tensors[row]?.push({ name, datatype, shape, buffer: region + 1, offset, byteLength: data.byteLength });
      return true;
    },
  );
  return requests.map((request, row) => ({
    inputs: tensors[row] ?? [],
    batchSize: request.batchSize,
    extras: extrasOf(request, allOutputs),
  }));
}

function extrasOf(request: InferenceRequest, allOutputs: readonly string[]): WireRequestExtras | undefined {
  if (hasNoExtras(request)) return undefined;
  const { inputs: _, batchSize: __, ...extras } = toHostedFields(request, allOutputs);
  return extras;
}

function hasNoExtras(request: InferenceRequest): boolean {
  const { id, parameters, priority, requestedOutputs, sequence, timeoutUs, trace } = request;
  if (parameters !== undefined || sequence !== undefined || trace !== undefined) return false;
  return id === '' && requestedOutputs.length === 0 && priority === 0 && timeoutUs === 0;
}

/** The tensors of a message as views on its buffers. */
export function unpackTensors(tensors: readonly WireTensor[], buffers: readonly WireBuffer[]): Tensor[] {
  return tensors.map(({ name, datatype, shape, buffer, offset, byteLength }) => {
    const bytes = buffers[buffer];
    if (bytes === undefined)
      throw new InferenceServerError('INTERNAL', `tensor '${name}' came without its bytes`);
    return { name, datatype, shape, data: new Uint8Array(bytes, offset, byteLength) };
  });
}

/** What an execution says of one of its requests. */
export interface Outcome {
  readonly index: number;
  readonly response: InferenceResponse | undefined;
  readonly final: boolean;
  readonly isRescheduled: boolean;
}

/** Collects responses, and packs their bytes once they are sent. */
export class ResponsePacker {
  #waiting: Outcome[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** What was collected. */
  get outcomes(): readonly Outcome[] {
    return this.#waiting;
  }

  add(index: number, response: InferenceResponse | undefined, final: boolean): void {
    this.#waiting.push({ index, response, final, isRescheduled: false });
  }

  addReschedule(index: number, states: readonly Tensor[]): void {
    const response = { outputs: states, parameters: undefined, error: undefined };
    this.#waiting.push({ index, response, final: false, isRescheduled: true });
  }

  /** The collected responses with all their bytes in one buffer, to be transferred. */
  take(): { responses: WireResponse[]; buffers: ArrayBuffer[] } {
    const waiting = this.#waiting;
    this.#waiting = [];
    let total = 0;
    for (const { response } of waiting) {
      for (const { data } of response?.outputs ?? []) total += data.byteLength;
    }
    const buffer = new ArrayBuffer(total);
    const target = new Uint8Array(buffer);
    let offset = 0;
    const pack = ({ name, datatype, shape, data }: Tensor): WireTensor => {
      target.set(data, offset);
      const packed = { name, datatype, shape, buffer: 0, offset, byteLength: data.byteLength };
      offset += data.byteLength;
      return packed;
    };
    const responses = waiting.map(({ index, response, final, isRescheduled }) => ({
      index,
      final,
      outputs: response?.error === undefined ? response?.outputs.map(pack) : undefined,
      parameters: response?.parameters,
      error: response?.error && toWireError(response.error),
      isRescheduled,
    }));
    return { responses, buffers: [buffer] };
  }
}

/** A response as it arrived; undefined when it only tells the end. */
export function unpackResponse(
  response: WireResponse,
  buffers: readonly WireBuffer[],
): InferenceResponse | undefined {
  if (response.error !== undefined) return errorResponse(fromWireError(response.error));
  if (response.outputs === undefined) return undefined;
  return {
    outputs: unpackTensors(response.outputs, buffers),
    parameters: response.parameters,
    error: undefined,
  };
}

export function toWireError(reason: unknown): WireError {
  const error = InferenceServerError.from(reason);
  const cause = error.cause instanceof Error ? error.cause : error;
  return { code: error.code, message: error.message, stack: cause.stack, http: error.http };
}

export function fromWireError({ code, message, stack, http }: WireError): InferenceServerError {
  const error = new InferenceServerError(code, message, { http });
  if (stack !== undefined) error.stack = stack;
  return error;
}
