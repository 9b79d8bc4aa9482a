/** Large JSON is decoded and encoded off the serving thread, which would answer nobody meanwhile. */
import { extname } from 'node:path';
import { isMarkedAsUntransferable, Worker } from 'node:worker_threads';
import {
  InferenceServerError,
  type InferOutput,
  type InferRequestMessage,
  type InferResponseMessage,
} from '@nereid/protocol';
import type { DecodeInferRequestOptions, EncodedInferResponse } from '@nereid/protocol/http';
import type { DecodeGenerateOptions, JsonResult, JsonTask } from './json-work.ts';

/**
 * JSON of at least this many bytes, which takes a few milliseconds, is decoded in the thread. The way there and back costs
 * a fraction of one.
 */
const LARGE_JSON_BYTE_SIZE = 262_144;

/** The same for outputs that become JSON: an element takes many times as long to write as to read. */
const LARGE_OUTPUT_BYTE_SIZE = 65_536;

/** The entry lies beside this file, as source in tests and as JavaScript in the package. */
const ENTRY = new URL(`./json-entry${extname(import.meta.url)}`, import.meta.url);

interface WaitingTask {
  resolve(result: JsonResult): void;
  reject(error: InferenceServerError): void;
}

/** Whether a body of a request is worth the thread. `headerLength`: of its JSON; undefined: it is all JSON. */
export function isLargeJson(body: Uint8Array, headerLength: number | undefined): boolean {
  return (headerLength ?? body.length) >= LARGE_JSON_BYTE_SIZE;
}

/** Whether the JSON of a response is worth the thread. */
export function becomesLargeJson({ outputs }: InferResponseMessage, isBinary: readonly boolean[]): boolean {
  let byteSize = 0;
  for (const [index, { data }] of outputs.entries()) if (isBinary[index] !== true) byteSize += data.length;
  return byteSize >= LARGE_OUTPUT_BYTE_SIZE;
}

/**
 * The thread. States: not started → running → not started; closed at the end. It starts with the first task, and again
 * after a failure, which fails the tasks that it had.
 */
export class JsonThread {
  #worker: Worker | undefined;
  /** Oldest first: the thread works one after the other. */
  readonly #tasks: WaitingTask[] = [];

  /** @throws InferenceServerError as `decodeInferRequest`; UNAVAILABLE when the thread fails. */
  decode(body: Uint8Array, options: DecodeInferRequestOptions): Promise<InferRequestMessage> {
    const own = ownCopy(body);
    return this.#decode({ kind: 'decode', body: own, options }, own.buffer);
  }

  /** @throws InferenceServerError as `decodeGenerateRequest`; UNAVAILABLE when the thread fails. */
  decodeGenerate(body: Uint8Array, options: DecodeGenerateOptions): Promise<InferRequestMessage> {
    const own = ownCopy(body);
    return this.#decode({ kind: 'decodeGenerate', body: own, options }, own.buffer);
  }

  /** @throws InferenceServerError as `encodeInferResponse`; UNAVAILABLE when the thread fails. */
  async encode(response: InferResponseMessage, isBinary: readonly boolean[]): Promise<EncodedInferResponse> {
    // The outputs of one batch share their memory: each response takes its own out of it.
    const outputs = response.outputs.map((output: InferOutput) => ({
      ...output,
      data: new Uint8Array(output.data),
    }));
    const memory = outputs.map(({ data }) => data.buffer);
    const result = await this.#do({ kind: 'encode', response: { ...response, outputs }, isBinary }, memory);
    if (result.kind !== 'encoded') throw toError(result);
    const { json } = result.encoded;
    return { ...result.encoded, json: Buffer.from(json.buffer, json.byteOffset, json.byteLength) };
  }

  /** Ends the thread; tasks that it has fail. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  async #decode(task: JsonTask, memory: ArrayBuffer): Promise<InferRequestMessage> {
    const result = await this.#do(task, [memory]);
    if (result.kind !== 'decoded') throw toError(result);
    return result.message;
  }

  #do(task: JsonTask, memory: readonly ArrayBuffer[]): Promise<JsonResult> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      this.#tasks.push({ resolve, reject });
      worker.postMessage(task, [...memory]);
    });
  }

  #start(): Worker {
    const worker = new Worker(ENTRY, { name: 'json' });
    // Whoever waits for a task has a connection, which keeps the process alive.
    worker.unref();
    let reason = 'it ended';
    worker.on('message', (result: JsonResult) => this.#tasks.shift()?.resolve(result));
    worker.on('error', (error) => {
      reason = String(error);
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      const message = `the thread for large JSON failed (${reason}): send large tensors as binary data`;
      for (const task of this.#tasks.splice(0)) task.reject(new InferenceServerError('UNAVAILABLE', message));
    });
    return worker;
  }
}

/** Bytes that can be handed over: small bodies lie in memory that others share, large ones in some that stays here. */
function ownCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength;
  if (isWhole && !isMarkedAsUntransferable(buffer)) return new Uint8Array(buffer);
  return new Uint8Array(bytes);
}

function toError(result: JsonResult): InferenceServerError {
  if (result.kind === 'failed') return new InferenceServerError(result.code, result.message);
  return new InferenceServerError('INTERNAL', `the thread for large JSON answered '${result.kind}'`);
}
