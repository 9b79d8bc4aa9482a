/** Outputs that the client wants in its shared memory. */
import { InferenceServerError, type InferOutput, type InferRequestedOutput } from '@nereid/protocol';
import type { RegionLease } from '../memory/region-lease.ts';
import { errorResponse, type InferenceResponse } from './inference-response.ts';

const NO_BYTES = new Uint8Array(0);

/** What a request says of its outputs. */
interface PlacedRequest {
  readonly requestedOutputs: readonly InferRequestedOutput[];
  readonly sharedMemory: RegionLease | undefined;
}

/**
 * Writes outputs to the places that the request names for them, those that are not there yet. What stays in the
 * response no longer lies in any region: a backend may give back its input, and the region may be gone before the
 * response is sent.
 *
 * It becomes an error, INTERNAL as in Triton, when a place is too small; INVALID_ARG when a region lost memory since
 * the request began, so that what the model read or what was written is not what it should be.
 */
export function placeResponse(
  response: InferenceResponse,
  { requestedOutputs, sharedMemory: lease }: PlacedRequest,
): InferenceResponse {
  if (lease === undefined || response.error !== undefined) return response;
  try {
    const outputs = response.outputs.map((output) => placeOutput(output, requestedOutputs, lease));
    lease.assertIntact();
    return { outputs, parameters: response.parameters, error: undefined };
  } catch (error) {
    return errorResponse(InferenceServerError.from(error));
  }
}

function placeOutput(
  output: InferOutput,
  requested: readonly InferRequestedOutput[],
  lease: RegionLease,
): InferOutput {
  if (output.sharedMemory !== undefined) return output;
  const { name, datatype, shape, data } = output;
  const sharedMemory = requested.find((wanted) => wanted.name === name)?.sharedMemory;
  if (sharedMemory === undefined) {
    return lease.regionOf(data) === undefined ? output : { ...output, data: new Uint8Array(data) };
  }
  if (data.byteLength > sharedMemory.byteSize) {
    throw new InferenceServerError(
      'INTERNAL',
      `shared memory size specified with the request for output '${name}' (${sharedMemory.byteSize} bytes) should ` +
        `be at least ${data.byteLength} bytes to hold the results`,
    );
  }
  lease.writableBytes(sharedMemory).set(data);
  return { name, datatype, shape, data: NO_BYTES, sharedMemory };
}
