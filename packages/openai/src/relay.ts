/** Models that take the body and answer with one: nothing in between reads either. */
import type { PluginResponse, PluginResponseHandler } from '@nereid/backend-sdk/http';
import { InferenceServerError, type Tensor } from '@nereid/protocol';
import type { Answer } from './answer.ts';
import type { Exchange } from './exchange.ts';
import { REQUEST_INPUT, RESPONSE_OUTPUT } from './model-api.ts';

/** Bytes of the length that stands before the one element of a BYTES tensor. */
const LENGTH_BYTES = 4;

/** Hands a body to its model, and what the model answers to the client. */
export function relay({ context, request, connection, answer, body, model, parameters }: Exchange): void {
  const input: Tensor = {
    name: REQUEST_INPUT,
    datatype: 'BYTES',
    shape: model.config.max_batch_size > 0 ? [1, 1] : [1],
    data: oneElement(body.pieces),
  };
  const handler = body.isStream ? streamHandler(answer) : wholeHandler(answer, model.name);
  context.infer(
    { model, inputs: [input], outputs: [RESPONSE_OUTPUT], parameters },
    request,
    connection,
    handler,
  );
}

/** The data of a BYTES tensor whose one element is in pieces. */
function oneElement(pieces: readonly Uint8Array[]): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(pieces.reduce((sum, piece) => sum + piece.length, 0));
  return Buffer.concat([length, ...pieces]);
}

function streamHandler(answer: Answer): PluginResponseHandler {
  let hasFailed = false;
  return (response, final) => {
    if (hasFailed) return;
    if (response?.error !== undefined) {
      hasFailed = true;
      answer.fail(response.error);
      return;
    }
    const bytes = bytesOf(response);
    if (bytes !== undefined) answer.write(bytes);
    if (final) answer.end();
  };
}

function wholeHandler(answer: Answer, model: string): PluginResponseHandler {
  let json: Uint8Array | undefined;
  let error: InferenceServerError | undefined;
  let count = 0;
  return (response, final) => {
    error ??= response?.error;
    const bytes = bytesOf(response);
    if (bytes !== undefined) {
      json = bytes;
      count += 1;
    }
    if (!final) return;
    if (error === undefined && count !== 1) error = wrongCount(model, count);
    if (error === undefined) answer.end(json);
    else answer.fail(error);
  };
}

function bytesOf(response: PluginResponse | undefined): Uint8Array | undefined {
  const data = response?.outputs.find(({ name }) => name === RESPONSE_OUTPUT)?.data;
  return data === undefined || data.length <= LENGTH_BYTES ? undefined : data.subarray(LENGTH_BYTES);
}

function wrongCount(model: string, count: number): InferenceServerError {
  return new InferenceServerError(
    'INTERNAL',
    `model '${model}': expected one 'openai_response' for a request without "stream": true, found ${count}`,
  );
}
