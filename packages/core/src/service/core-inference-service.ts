import {
  InferenceServerError,
  type InferInput,
  type InferRequestedOutput,
  type InferRequestMessage,
} from '@nereid/protocol';
import type { ModelIdentifier } from '../model-identifier.ts';
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

  getModel(name: string, version: string, namespace = ''): Model {
    const find = (): Model => this.#registry.find(name, version, namespace);
    return this.#orEnding(find, version, () => this.#registry.retiringNamed(name, namespace));
  }

  getModelOfStep(id: ModelIdentifier, version: string): Model {
    const find = (): Model => this.#registry.get(id, version);
    return this.#orEnding(find, version, () => this.#registry.retiring(id));
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
    if (!(served instanceof Model)) return this.#registry.find(served.name, '');
    return served.isClosed ? this.#registry.get(served.id, '') : served;
  }

  /** A sequence that began before a reload or an unload goes on where it began; no other begins there. */
  #continued(model: Model, { modelVersion, sequence }: InferRequestMessage): Model {
    const { sequences } = model.scheduler;
    if (sequences === undefined) return model;
    if (sequence !== undefined && !sequence.start) {
      if (sequences.has(sequence.id)) return model;
      const before = findEnding(
        this.#registry.retiring(model.id),
        modelVersion,
        ({ scheduler }) => scheduler.sequences?.has(sequence.id) === true,
      );
      if (before !== undefined) return before;
    }
    return this.#registry.isRetiring(model) ? this.#registry.get(model.id, modelVersion) : model;
  }

  /** An unloaded model is there for the sequences that go on; whether it is one of them only the request tells. */
  #orEnding(find: () => Model, version: string, retiring: () => readonly Model[]): Model {
    try {
      return find();
    } catch (error) {
      if (InferenceServerError.from(error).code === 'INVALID_ARG') throw error;
      const ending = findEnding(retiring(), version, ({ scheduler }) => scheduler.inFlightCount > 0);
      if (ending === undefined) throw error;
      return ending;
    }
  }
}

/** Of versions that were replaced or unloaded, one with sequences that is as wanted. */
function findEnding(
  retiring: readonly Model[],
  version: string,
  isWanted: (model: Model) => boolean,
): Model | undefined {
  return retiring
    .filter((model) => version === '' || model.version === version)
    .find((model) => model.scheduler.sequences !== undefined && isWanted(model));
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
