import {
  InferenceServerError,
  type BackendRequest,
  type BackendResponse,
  type InferCall,
  type ModelAccess,
} from '@nereid/backend-sdk';
import type { AskFrame, InferFrame, ReaderFrame, ToStub } from './messages.ts';
import { UnreadAnswers } from './unread-answers.ts';
import { fromWireId, fromWireParameters, toWireParameters } from './wire-parameters.ts';
import { packTensors, TensorReader } from './wire-tensors.ts';

type SendFrame = (frame: ToStub, tensors?: readonly Uint8Array[]) => void;

interface RunningCall {
  readonly abort: AbortController;
  /** Of a stream. */
  readonly unread: UnreadAnswers | undefined;
}

/** What a model asks of other models and of the server. */
export class ModelCalls {
  readonly #models: ModelAccess;
  readonly #send: SendFrame;
  readonly #running = new Map<number, RunningCall>();

  constructor(models: ModelAccess, send: SendFrame) {
    this.#models = models;
    this.#send = send;
  }

  /** @param request - The request that the call is made for, where that is known. */
  async infer(frame: InferFrame, tensors: Buffer, request: BackendRequest | undefined): Promise<void> {
    const { call } = frame;
    const abort = new AbortController();
    const unread = frame.decoupled ? new UnreadAnswers(abort.signal) : undefined;
    this.#running.set(call, { abort, unread });
    try {
      const inference = toInferCall(frame, tensors, abort.signal, request);
      if (unread !== undefined) await this.#inferStream(call, inference, unread);
      else this.#answer(call, await this.#models.infer(inference), true);
    } catch (error) {
      this.#fail(call, error);
    } finally {
      this.#running.delete(call);
    }
  }

  onReader({ call, says, bytes = 0 }: ReaderFrame): void {
    const running = this.#running.get(call);
    if (says === 'cancel') running?.abort.abort();
    else if (says === 'taken') running?.unread?.take(bytes);
    else running?.unread?.leave();
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
    for (const { abort } of this.#running.values()) abort.abort();
  }

  /** A model that reads slowly holds back the one that it reads from. */
  async #inferStream(call: number, inference: InferCall, unread: UnreadAnswers): Promise<void> {
    for await (const response of this.#models.inferStream(inference)) {
      if (!unread.isLeft) unread.add(this.#answer(call, response, false));
      if (unread.isFull) await unread.room();
    }
    if (!unread.isLeft) this.#send({ kind: 'answer', call, final: true, empty: true });
  }

  /** @returns The bytes of its tensors. */
  #answer(call: number, { outputs, parameters }: BackendResponse, final: boolean): readonly Uint8Array[] {
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
    return buffers;
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
