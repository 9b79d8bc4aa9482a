import {
  decodeModelInferRequest,
  encodeModelInferRequest,
  encodeModelInferResponse,
} from '@nereid/protocol/grpc';
import { createRequest } from '../models/infer-request.ts';
import { createResponse } from './create-response.ts';
import type { MicroBenchmark } from './micro-benchmark.ts';

/** gRPC messages of FP32 [16], raw contents. */
export function grpcCodecBenchmarks(): readonly MicroBenchmark[] {
  const request = createRequest('identity', [16]);
  const response = createResponse(request);
  const message = encodeModelInferRequest(request);
  return [
    {
      name: 'gRPC decode request',
      run: (times) => {
        for (let count = 0; count < times; count += 1) decodeModelInferRequest(message);
      },
    },
    {
      name: 'gRPC encode response',
      run: (times) => {
        for (let count = 0; count < times; count += 1) encodeModelInferResponse(response);
      },
    },
  ];
}
