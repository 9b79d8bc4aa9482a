import type { InferRequestMessage } from '@nereid/protocol';
import { encodeInferRequest } from '@nereid/protocol/http';
import { encodeModelInferRequest } from '@nereid/protocol/grpc';
import type { GrpcTarget, HttpTarget } from '../load/load.ts';

/** A request with one FP32 tensor X of 16 elements, in this shape. */
export function createRequest(modelName: string, shape: readonly number[]): InferRequestMessage {
  const values = Float32Array.from({ length: 16 }, (_, index) => index / 4);
  return {
    modelName,
    modelVersion: '',
    id: '',
    inputs: [{ name: 'X', datatype: 'FP32', shape, data: new Uint8Array(values.buffer) }],
    outputs: [],
    binaryDataOutput: true,
    priority: 0,
    timeoutUs: 0,
    sequence: undefined,
    parameters: undefined,
  };
}

/** The request in binary form over HTTP. */
export function httpTarget(baseUrl: string, request: InferRequestMessage): HttpTarget {
  const { header, chunks, headerLength = 0 } = encodeInferRequest(request, { binary: [true] });
  return {
    url: `${baseUrl}/v2/models/${request.modelName}/infer`,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Inference-Header-Content-Length': String(headerLength),
    },
    body: Buffer.concat([header, ...chunks]),
  };
}

/** The request over gRPC. */
export function grpcTarget(address: string, request: InferRequestMessage): GrpcTarget {
  return { address, message: encodeModelInferRequest(request) };
}
