import { InferenceServerError, type InferInput, type InferRequestMessage } from '@nereid/protocol';
import { Model } from '../model/model.ts';
import type { ModelRegistry } from '../model/model-registry.ts';
import type { SharedMemoryRegistry } from '../memory/shared-memory-registry.ts';
import { InferenceRequest } from '../request/inference-request.ts';
import { resolveRawInput } from '../request/raw-input.ts';
import { validateInputs, validateOutputs } from '../request/validate-request.ts';
import { finishResponse } from '../response/finish-response.ts';
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
  readonly #bytesOf = (input: InferInput): Uint8Array => this.#inputBytes(input);

  constructor({ registry, sharedMemory, clock }: InferenceServiceParts) {
    this.#registry = registry;
    this.#sharedMemory = sharedMemory;
    this.#clock = clock;
  }

  getModel(name: string, version: string): Model {
    return this.#registry.get(name, version);
  }

  infer(
    served: ServedModel,
    message: InferRequestMessage,
    handler: ResponseHandler,
    trace?: RequestTrace,
  ): PendingInference {
    const arrived = this.#clock.now();
    const model = this.#continued(this.#current(served), message);
    trace?.record('REQUEST_START', arrived);
    const request = this.#createRequest(model, message, handler, trace);
    request.times.arrived = arrived;
    trace?.record('QUEUE_START');
    model.scheduler.enqueue(request);
    return request;
  }

  /** The model as looked up; the one that took its place if it was unloaded while the request was being read. */
  #current(served: ServedModel): Model {
    return served instanceof Model && !served.isClosed ? served : this.#registry.get(served.name, '');
  }

  /** A sequence that began before a reload goes on where it began. */
  #continued(model: Model, { modelVersion, sequence }: InferRequestMessage): Model {
    if (sequence === undefined || sequence.start) return model;
    if (model.scheduler.sequences?.has(sequence.id) !== false) return model;
    const before = this.#registry
      .retiring(model.name)
      .filter(({ version }) => modelVersion === '' || modelVersion === version)
      .find(({ scheduler }) => scheduler.sequences?.has(sequence.id));
    return before ?? model;
  }

  #createRequest(
    model: Model,
    message: InferRequestMessage,
    handler: ResponseHandler,
    trace: RequestTrace | undefined,
  ): InferenceRequest {
    const { inputRules, outputRules } = model;
    const { id, outputs } = message;
    validateOutputs(inputRules, outputs);
    const inputs =
      message.rawInput === undefined ? message.inputs : [resolveRawInput(inputRules, id, message.rawInput)];
    const { tensors, batchSize } = validateInputs(inputRules, id, inputs, this.#bytesOf);
    const finish: ResponseHandler = (response, final) => {
      if (final) trace?.record('REQUEST_END');
      handler(response && finishResponse(response, outputRules, outputs), final);
    };
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
      },
      finish,
    );
  }

  #inputBytes(input: InferInput): Uint8Array {
    if (input.data !== undefined) return input.data;
    if (input.sharedMemory !== undefined) return this.#sharedMemory.resolve(input.sharedMemory.region);
    throw new InferenceServerError('INVALID_ARG', `input '${input.name}' has no data`);
  }
}
