/** What the thread for large JSON does, and how it is asked for it. */
import { InferenceServerError, type InferRequestMessage, type InferResponseMessage } from '@nereid/protocol';
import {
  decodeGenerateRequest,
  decodeInferRequest,
  encodeInferResponse,
  type DecodeInferRequestOptions,
  type EncodedInferResponse,
} from '@nereid/protocol/http';

/** How a body of the generate extension is decoded. */
export type DecodeGenerateOptions = Parameters<typeof decodeGenerateRequest>[1];

/** Something to do. Its bytes are the thread's from then on. */
export type JsonTask =
  | { readonly kind: 'decode'; readonly body: Uint8Array; readonly options: DecodeInferRequestOptions }
  | { readonly kind: 'decodeGenerate'; readonly body: Uint8Array; readonly options: DecodeGenerateOptions }
  | {
      readonly kind: 'encode';
      readonly response: InferResponseMessage;
      readonly isBinary: readonly boolean[];
    };

/** How it went. An error crosses as data: a clone would lose its class. */
export type JsonResult =
  | { readonly kind: 'decoded'; readonly message: InferRequestMessage }
  | { readonly kind: 'encoded'; readonly encoded: EncodedInferResponse }
  | { readonly kind: 'failed'; readonly code: InferenceServerError['code']; readonly message: string };

/** Does a task in the thread where it is called. */
export function doJsonTask(task: JsonTask): JsonResult {
  try {
    if (task.kind === 'decode')
      return { kind: 'decoded', message: decodeInferRequest(task.body, task.options) };
    if (task.kind === 'decodeGenerate')
      return { kind: 'decoded', message: decodeGenerateRequest(task.body, task.options) };
    return { kind: 'encoded', encoded: encodeInferResponse(task.response, task.isBinary) };
  } catch (reason) {
    const { code, message } = InferenceServerError.from(reason);
    return { kind: 'failed', code, message };
  }
}

/** The memory of a result that can be handed over in place of being copied: what shares its buffer can't. */
export function memoryOf(result: JsonResult): ArrayBuffer[] {
  if (result.kind === 'failed') return [];
  const parts =
    result.kind === 'decoded'
      ? result.message.inputs.map(({ data }) => data)
      : [result.encoded.json, ...result.encoded.binaries];
  const buffers: ArrayBuffer[] = [];
  for (const part of parts) {
    if (part?.buffer instanceof ArrayBuffer && part.byteLength === part.buffer.byteLength)
      buffers.push(part.buffer);
  }
  return buffers;
}
