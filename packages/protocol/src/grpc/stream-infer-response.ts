import type { InferResponseMessage } from '../infer-message.ts';
import {
  assertMessageByteSize,
  decodeModelInferResponse,
  FINAL_RESPONSE_PARAMETER,
  responseByteSize,
  writeResponse,
} from './infer-response.ts';
import { WireReader } from './wire-reader.ts';
import { delimitedByteSize, optionalStringByteSize, WireWriter } from './wire-writer.ts';

/** One answer on a ModelStreamInfer stream. */
export interface StreamInferResponseMessage {
  /** Absent or '' when the request went well. */
  readonly errorMessage?: string | undefined;
  /** On an error: what is known of the request (its id, perhaps its model), without outputs. */
  readonly response?: InferResponseMessage | undefined;
  /** The parameter `triton_final_response` of the response; undefined: not to be written, or not there. */
  readonly final?: boolean | undefined;
}

/**
 * Encodes a `ModelStreamInferResponse` into one new buffer. `final` is written as a parameter of the
 * response, after those that it has.
 *
 * @throws InferenceServerError INVALID_ARG when the message would be larger than gRPC allows.
 */
export function encodeModelStreamInferResponse(message: StreamInferResponseMessage): Buffer {
  const { response, final } = message;
  const errorMessage = message.errorMessage ?? '';
  const inner = response === undefined ? 0 : responseByteSize(response, final);
  const outer = response === undefined ? 0 : delimitedByteSize(inner);
  const writer = new WireWriter(assertMessageByteSize(optionalStringByteSize(errorMessage) + outer));
  writer.optionalString(0x0a, errorMessage);
  if (response !== undefined) {
    writer.message(0x12, inner);
    writeResponse(writer, response, final);
  }
  return writer.buffer;
}

/**
 * Decodes a serialised `ModelStreamInferResponse`, for clients. `triton_final_response` is taken out of the
 * parameters of the response and given as `final`.
 *
 * @throws InferenceServerError as {@link decodeModelInferResponse}.
 */
export function decodeModelStreamInferResponse(bytes: Uint8Array): StreamInferResponseMessage {
  const reader = new WireReader(bytes);
  let errorMessage = '';
  let response: InferResponseMessage | undefined;
  while (reader.position < bytes.length) {
    const tag = reader.tag();
    if (tag === 0x0a) errorMessage = reader.string();
    else if (tag === 0x12) response = decodeModelInferResponse(reader.view());
    else reader.skip(tag);
  }
  const { [FINAL_RESPONSE_PARAMETER]: final, ...rest } = response?.parameters ?? {};
  if (response === undefined || typeof final !== 'boolean')
    return { errorMessage, response, final: undefined };
  const parameters = Object.keys(rest).length === 0 ? undefined : rest;
  return { errorMessage, response: { ...response, parameters }, final };
}
