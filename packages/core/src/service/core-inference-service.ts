import {
  InferenceServerError,
  type InferInput,
  type InferRequestedOutput,
  type InferRequestMessage,
} from '@nereid/protocol';
import type { RegionLease } from '../memory/region-lease.ts';
import { Model } from '../model/model.ts';
import type { ModelRegistry } from '../model/model-registry.ts';
import type { SharedMemoryRegistry } from '../memory/shared-memory-registry.ts';
import { InferenceRequest } from '../request/inference-request.ts';
import { resolveRawInput } from '../request/raw-input.ts';
import { validateInputs, validateOutputs } from '../request/validate-request.ts';
import { finishResponse } from '../response/finish-response.ts';
import { placeResponse } from '../response/place-outputs.ts';
import type { ResponseHandler } from '../response/inference-response.ts';
import type { Clock } from '../scheduler/clock.ts';
import type { RequestTrace } from '../telemetry/trace.ts';
import type { InferenceService, PendingInference, ServedModel } from './inference-service.ts';

/** What inference needs. */
export interface InferenceServiceParts {
  readonly registry: ModelRegistry;
  readonly sharedMemory: SharedMemoryRegistry;
  readonly clock: Clock;
}

/** Looks models up, validates requests, and hands them to the model's scheduler. */
export class CoreInferenceService implements InferenceService {
  readonly #registry: ModelRegistry;
  readonly #sharedMemory: SharedMemoryRegistry;
  readonly #clock: Clock;

  constructor({ registry, sharedMemory, clock }: InferenceServiceParts) {
    this.#registry = registry;
    this.#sharedMemory = sharedMemory;
    this.#clock = clock;
  }

  getModel(name: string, version: string): Model {
    try {
      return this.#registry.get(name, version);
    } catch (error) {
      // An unloaded model is there for the sequences that go on; whether it is one of them only the request tells.
      const ending = this.#endingWith(name, version, ({ scheduler }) => scheduler.inFlightCount > 0);
      if (ending === undefined) throw error;
      return ending;
    }
  }

  infer(
    served: ServedModel,
    message: InferRequestMessage,
    handler: ResponseHandler,
    trace?: RequestTrace,
  ): PendingInference {
    const arrived = this.#clock.now();
    const model = this.#continued(this.#current(served), message);
    if (trace !== undefined) trace.modelVersion = model.version;
    trace?.record('REQUEST_START', arrived);
    const sharedMemory = usesSharedMemory(message) ? this.#sharedMemory.lease() : undefined;
    try {
      const request = createRequest(model, message, { handler, trace, sharedMemory });
      request.times.arrived = arrived;
      trace?.record('QUEUE_START');
      trace?.recordTensors('TENSOR_QUEUE_INPUT', request.inputs);
      model.scheduler.enqueue(request);
      return request;
    } catch (error) {
      sharedMemory?.release();
      throw error;
    }
  }

  /** The model as looked up; the one that took its place if it was unloaded while the request was being read. */
  #current(served: ServedModel): Model {
    return served instanceof Model && !served.isClosed ? served : this.#registry.get(served.name, '');
  }

  /** A sequence that began before a reload or an unload goes on where it began; no other begins there. */
  #continued(model: Model, { modelVersion, sequence }: InferRequestMessage): Model {
    const { sequences } = model.scheduler;
    if (sequences === undefined) return model;
    if (sequence !== undefined && !sequence.start) {
      if (sequences.has(sequence.id)) return model;
      const before = this.#endingWith(
        model.name,
        modelVersion,
        ({ scheduler }) => scheduler.sequences?.has(sequence.id) === true,
      );
      if (before !== undefined) return before;
    }
    return this.#registry.isRetiring(model) ? this.#registry.get(model.name, modelVersion) : model;
  }

  /** A version with sequences that was replaced or unloaded, and is as wanted. */
  #endingWith(name: string, wanted: string, isWanted: (model: Model) => boolean): Model | undefined {
    return this.#registry
      .retiring(name)
      .filter(({ version }) => wanted === '' || wanted === version)
      .find((model) => model.scheduler.sequences !== undefined && isWanted(model));
  }
}

/** Where the answers to a request go, and what it needs on its way. */
interface RequestParts {
  readonly handler: ResponseHandler;
  readonly trace: RequestTrace | undefined;
  readonly sharedMemory: RegionLease | undefined;
}

function createRequest(model: Model, message: InferRequestMessage, parts: RequestParts): InferenceRequest {
  const { inputRules } = model;
  const { id, outputs } = message;
  const { trace, sharedMemory } = parts;
  validateOutputs(inputRules, outputs);
  // Refused before the model runs, not after.
  for (const output of outputs) {
    if (output.sharedMemory !== undefined) sharedMemory?.writableBytes(output.sharedMemory);
  }
  const inputs =
    message.rawInput === undefined ? message.inputs : [resolveRawInput(inputRules, id, message.rawInput)];
  const bytesOf = (input: InferInput): Uint8Array => inputBytes(input, sharedMemory);
  const { tensors, batchSize } = validateInputs(inputRules, id, inputs, bytesOf);
  return new InferenceRequest(
    {
      id,
      modelName: model.name,
      modelVersion: model.version,
      inputs: tensors,
      requestedOutputs: outputs,
      batchSize,
      priority: message.priority,
      timeoutUs: message.timeoutUs,
      sequence: message.sequence,
      parameters: message.parameters,
      trace,
      sharedMemory,
    },
    createFinish(model, outputs, parts),
  );
}

/** What turns a response into what the client sees, and ends the request after the last one. */
function createFinish(
  { outputRules }: Model,
  requested: readonly InferRequestedOutput[],
  { handler, trace, sharedMemory }: RequestParts,
): ResponseHandler {
  return (response, final) => {
    if (final) trace?.record('REQUEST_END');
    const placed = response && placeResponse(response, { requestedOutputs: requested, sharedMemory });
    const finished = placed && finishResponse(placed, outputRules, requested);
    if (final) sharedMemory?.release();
    handler(finished, final);
  };
}

function usesSharedMemory({ inputs, outputs }: InferRequestMessage): boolean {
  for (const { sharedMemory } of inputs) if (sharedMemory !== undefined) return true;
  for (const { sharedMemory } of outputs) if (sharedMemory !== undefined) return true;
  return false;
}

function inputBytes(
  { name, datatype, data, sharedMemory: ref }: InferInput,
  sharedMemory: RegionLease | undefined,
): Uint8Array {
  if (data !== undefined) return data;
  if (ref === undefined || sharedMemory === undefined) {
    throw new InferenceServerError('INVALID_ARG', `input '${name}' has no data`);
  }
  const bytes = sharedMemory.bytes(ref);
  // Lengths lie among the elements: a client that changes them after they were checked would mislead the model.
  return datatype === 'BYTES' ? new Uint8Array(bytes) : bytes;
}
