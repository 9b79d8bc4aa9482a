import { once } from 'node:events';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import type { StreamInferResponseMessage } from '@nereid/protocol/grpc';
import { cancelled, toInferenceServerError } from './grpc-connection.ts';
import { toInferRequestMessage } from './infer-request.ts';
import { InferResult } from './infer-result.ts';
import type { InferStreamRequest, InferStreamResponse } from './inference-client.ts';

/** An open ModelStreamInfer call. */
export type InferStreamCall = ClientDuplexStream<InferRequestMessage, StreamInferResponseMessage>;

type Requests = Iterable<InferStreamRequest> | AsyncIterable<InferStreamRequest>;

/**
 * Opens a call, and sends the requests while it yields the answers. The call ends with the loop, however that
 * ends: by the last answer, an error, `break`, or the signal.
 */
export async function* streamInfer(
  open: () => InferStreamCall,
  requests: Requests,
  signal: AbortSignal | undefined,
): AsyncGenerator<InferStreamResponse, void, undefined> {
  const call = open();
  const ended = new AbortController();
  const cancel = () => {
    call.cancel();
    call.destroy(cancelled(signal?.reason));
  };
  // The error that belongs to a cancelled call may come when nobody reads any more.
  call.on('error', () => {});
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  void sendAll(call, requests, ended.signal);
  try {
    for await (const message of call) yield toResponse(message);
  } catch (reason) {
    throw toInferenceServerError(reason);
  } finally {
    signal?.removeEventListener('abort', cancel);
    ended.abort();
    call.cancel();
  }
}

/** Never rejects: what the requests throw goes to the reader of the answers. */
async function sendAll(call: InferStreamCall, requests: Requests, ended: AbortSignal): Promise<void> {
  try {
    for await (const request of requests) {
      if (ended.aborted) return;
      const message = toInferRequestMessage(request.modelName, request.inputs, request);
      if (!call.write(message)) await once(call, 'drain', { signal: ended });
    }
    call.end();
  } catch (reason) {
    if (!ended.aborted) call.destroy(InferenceServerError.from(reason));
  }
}

function toResponse(message: StreamInferResponseMessage): InferStreamResponse {
  const { errorMessage = '', response, final = false } = message;
  const id = response?.id ?? '';
  if (errorMessage !== '' || response === undefined) {
    // An error before the model ran has no flag, and nothing follows it.
    const error = new InferenceServerError('UNKNOWN', errorMessage);
    return { kind: 'error', id, final: message.final ?? true, error };
  }
  return { kind: 'result', id, final, result: new InferResult(response) };
}
