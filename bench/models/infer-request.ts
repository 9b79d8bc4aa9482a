import type { InferRequestMessage } from '@nereid/protocol';
import { encodeInferRequest } from '@nereid/protocol/http';
import { encodeModelInferRequest } from '@nereid/protocol/grpc';
import type { GrpcTarget, HttpTarget } from '../load/load.ts';

/** A request with one FP32 tensor X, in this shape. */
export function createRequest(modelName: string, shape: readonly number[]): InferRequestMessage {
  const length = shape.reduce((product, dim) => product * dim, 1);
  const values = Float32Array.from({ length }, (_, index) => (index % 16) / 4);
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

/** The same with the tensor, and its output Y, in a shared-memory region: the one behind the other. */
export function withSharedMemory(request: InferRequestMessage, region: string): InferRequestMessage {
  const { inputs, ...rest } = request;
  return {
    ...rest,
    inputs: inputs.map(({ name, datatype, shape, data }) => ({
      name,
      datatype,
      shape,
      sharedMemory: { region, byteSize: data?.byteLength ?? 0, offset: 0 },
    })),
    outputs: inputs.map(({ data: { byteLength = 0 } = {} }) => ({
      name: 'Y',
      classification: 0,
      binaryData: false,
      sharedMemory: { region, byteSize: byteLength, offset: byteLength },
    })),
  };
}

/** The request over HTTP, its tensors and those of the answer in binary form or in JSON. */
export function httpTarget(
  baseUrl: string,
  request: InferRequestMessage,
  encoding: 'binary' | 'json' = 'binary',
): HttpTarget {
  const isBinary = encoding === 'binary';
  const message = { ...request, binaryDataOutput: isBinary };
  const { header, chunks, headerLength } = encodeInferRequest(message, { binary: [isBinary] });
  return {
    url: `${baseUrl}/v2/models/${request.modelName}/infer`,
    headers:
      headerLength === undefined
        ? { 'Content-Type': 'application/json' }
        : {
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
