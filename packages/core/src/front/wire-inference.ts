/** Inferences and their responses as plain data, and back. */
import type { InferInput, InferOutput, InferRequestMessage } from '@nereid/protocol';
import { fromWireError, toWireError } from '../instance/batch-transfer.ts';
import type { InferenceResponse } from '../response/inference-response.ts';
import type { WireAnswer, WireInference, WireTensor } from './front-messages.ts';
import { viewOf, type TurnBytes } from './turn-bytes.ts';

const NO_BYTES = new Uint8Array(0);

/** @param modelVersion - As the client asked for it: what it stands for is looked up again. */
export function packInference(
  { inputs, rawInput, ...message }: InferRequestMessage,
  modelVersion: string,
  bytes: TurnBytes,
): WireInference {
  return {
    ...message,
    modelVersion,
    inputs: inputs.map((input) => packTensor(input, bytes)),
    ...(rawInput !== undefined && { rawBytes: bytes.add(rawInput) }),
  };
}

export function unpackInference(
  { inputs, rawBytes, ...message }: WireInference,
  buffers: readonly ArrayBuffer[],
): InferRequestMessage {
  return {
    ...message,
    inputs: inputs.map(({ bytes, ...input }) =>
      bytes === undefined ? input : { ...input, data: viewOf(buffers, bytes) },
    ),
    ...(rawBytes !== undefined && { rawInput: viewOf(buffers, rawBytes) }),
  };
}

/** What a model answered; undefined: nothing but the end. */
export function packResponse(
  response: InferenceResponse | undefined,
  bytes: TurnBytes,
): Omit<WireAnswer, 'call' | 'final'> {
  if (response === undefined) return {};
  if (response.error !== undefined) return { error: toWireError(response.error) };
  const { outputs, parameters } = response;
  return {
    outputs: outputs.map((output) => packTensor(output, bytes)),
    ...(parameters !== undefined && { parameters }),
  };
}

export function unpackResponse(
  { outputs, parameters, error, isRefused }: WireAnswer,
  buffers: readonly ArrayBuffer[],
): InferenceResponse | undefined {
  if (error !== undefined) {
    const failure = { outputs: [], parameters: undefined, error: fromWireError(error) };
    return isRefused === true ? { ...failure, isRefused } : failure;
  }
  if (outputs === undefined) return undefined;
  return {
    outputs: outputs.map(({ bytes, ...output }): InferOutput => ({
      ...output,
      data: bytes === undefined ? NO_BYTES : viewOf(buffers, bytes),
    })),
    parameters,
    error: undefined,
  };
}

/** Only what is known of a tensor: a model may answer with objects that hold more. */
function packTensor({ name, datatype, shape, data, sharedMemory }: InferInput, bytes: TurnBytes): WireTensor {
  return {
    name,
    datatype,
    shape,
    bytes: data === undefined ? undefined : bytes.add(data),
    ...(sharedMemory !== undefined && { sharedMemory }),
  };
}
