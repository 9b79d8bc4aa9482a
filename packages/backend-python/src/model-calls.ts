import {
  InferenceServerError,
  type BackendRequest,
  type BackendResponse,
  type InferCall,
  type ModelAccess,
} from '@nereid/backend-sdk';
import type { AskFrame, InferFrame, ToStub } from './messages.ts';
import { fromWireId, fromWireParameters, toWireParameters } from './wire-parameters.ts';
import { packTensors, TensorReader } from './wire-tensors.ts';

type SendFrame = (frame: ToStub, tensors?: readonly Uint8Array[]) => void;

/** What a model asks of other models and of the server. */
export class ModelCalls {
  readonly #models: ModelAccess;
  readonly #send: SendFrame;
  readonly #running = new Map<number, AbortController>();

  constructor(models: ModelAccess, send: SendFrame) {
    this.#models = models;
    this.#send = send;
  }

  /** @param request - The request that the call is made for, where that is known. */
  async infer(frame: InferFrame, tensors: Buffer, request: BackendRequest | undefined): Promise<void> {
    const { call } = frame;
    const abort = new AbortController();
    this.#running.set(call, abort);
    try {
      const inference = toInferCall(frame, tensors, abort.signal, request);
      if (frame.decoupled) await this.#inferStream(call, inference);
      else this.#answer(call, await this.#models.infer(inference), true);
    } catch (error) {
      this.#fail(call, error);
    } finally {
      this.#running.delete(call);
    }
  }

  cancel(call: number): void {
    this.#running.get(call)?.abort();
  }

  async ask({ call, action, value }: AskFrame): Promise<void> {
    try {
      this.#send({ kind: 'answer', call, final: true, value: await this.#actions[action](value) });
    } catch (error) {
      this.#fail(call, error);
    }
  }

  /** The process has gone: nobody waits any more. */
  close(): void {
    for (const abort of this.#running.values()) abort.abort();
  }

  async #inferStream(call: number, inference: InferCall): Promise<void> {
    for await (const response of this.#models.inferStream(inference)) this.#answer(call, response, false);
    this.#send({ kind: 'answer', call, final: true, empty: true });
  }

  #answer(call: number, { outputs, parameters }: BackendResponse, final: boolean): void {
    const buffers: Uint8Array[] = [];
    const described = packTensors(outputs, buffers);
    this.#send(
      {
        kind: 'answer',
        call,
        final,
        outputs: described,
        ...(parameters && { parameters: toWireParameters(parameters) }),
      },
      buffers,
    );
  }

  #fail(call: number, error: unknown): void {
    const { message, code } = InferenceServerError.from(error);
    this.#send({ kind: 'answer', call, final: true, error: { message, code } });
  }

  readonly #actions: Readonly<Record<AskFrame['action'], (value: AskFrame['value']) => Promise<unknown>>> = {
    load_model: ({ model_name: name, config, files }) => {
      const given = Object.entries(files ?? {});
      return this.#models.load(name, {
        ...(config && { config }),
        ...(given.length > 0 && {
          files: new Map(
            given.map(([path, content]) => [path.replace(/^file:/, ''), Buffer.from(content, 'base64')]),
          ),
        }),
      });
    },
    unload_model: ({ model_name: name, unload_dependents: unloadDependents }) =>
      this.#models.unload(name, { unloadDependents: unloadDependents ?? false }),
    is_model_ready: ({ model_name: name, model_version: version }) => this.#models.isReady(name, version),
  };
}

function toInferCall(
  frame: InferFrame,
  tensors: Buffer,
  signal: AbortSignal,
  request: BackendRequest | undefined,
): InferCall {
  const { flags } = frame;
  const id = fromWireId(frame.correlation_id);
  const isSequence = id !== 0 && id !== '';
  return {
    modelName: frame.model_name,
    modelVersion: frame.model_version,
    inputs: new TensorReader(tensors).read(frame.inputs),
    id: frame.id,
    parameters: fromWireParameters(frame.parameters),
    timeoutUs: frame.timeout,
    signal,
    ...(frame.outputs.length > 0 && { outputs: frame.outputs }),
    ...(isSequence && { sequence: { id, start: (flags & 1) !== 0, end: (flags & 2) !== 0 } }),
    ...(request && { request }),
  };
}
