import {
  decodeInferRequest,
  encodeInferRequest,
  encodeInferResponse,
  selectBinaryOutputs,
} from '@nereid/protocol/http';
import { createRequest } from '../models/infer-request.ts';
import { createResponse } from './create-response.ts';
import type { MicroBenchmark } from './micro-benchmark.ts';

/** HTTP bodies of FP32 [16], binary and JSON. */
export function httpCodecBenchmarks(): readonly MicroBenchmark[] {
  const request = createRequest('identity', [16]);
  const response = createResponse(request);
  const isBinary = selectBinaryOutputs(request, response);
  return [
    { name: 'HTTP decode request, binary', run: decodeRun(encodeBody(true)) },
    { name: 'HTTP decode request, JSON', run: decodeRun(encodeBody(false)) },
    {
      name: 'HTTP encode response, binary',
      run: (times) => {
        for (let count = 0; count < times; count += 1) encodeInferResponse(response, isBinary);
      },
    },
    {
      name: 'HTTP encode response, JSON',
      run: (times) => {
        for (let count = 0; count < times; count += 1) encodeInferResponse(response, [false]);
      },
    },
  ];

  function encodeBody(binary: boolean): { readonly body: Buffer; readonly headerLength: number | undefined } {
    const { header, chunks, headerLength } = encodeInferRequest(request, { binary: [binary] });
    return { body: Buffer.concat([header, ...chunks]), headerLength };
  }
}

function decodeRun({
  body,
  headerLength,
}: {
  readonly body: Buffer;
  readonly headerLength: number | undefined;
}) {
  const options = { modelName: 'identity', modelVersion: '', headerLength };
  return (times: number): void => {
    for (let count = 0; count < times; count += 1) decodeInferRequest(body, options);
  };
}
