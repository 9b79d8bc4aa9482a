import {
  InferenceServerError,
  type InferRequestedOutput,
  type SequenceFields,
  type Tensor,
} from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import {
  InferenceRequest,
  type InferenceRequestFields,
  type SpentTimes,
} from '../request/inference-request.ts';
import {
  errorResponse,
  type InferenceResponse,
  type ResponseHandler,
} from '../response/inference-response.ts';
import { createControlInputs, NOT_READY, type ControlInputs } from './control-inputs.ts';
import type { SequenceState } from './sequence-state.ts';

/** A request of a sequence. A step is one execution of it: the only one, unless its model is iterative. */
export interface SequenceRequest {
  readonly request: InferenceRequest;
  readonly fields: SequenceFields;
  /** Executions so far. */
  steps: number;
  /** What they took; undefined unless its model is iterative. */
  readonly spent: SpentTimes | undefined;
  /** The execution that is going on. */
  step: InferenceRequest | undefined;
}

/** Makes what the model sees of the requests of sequences: with control and state inputs, asking for the states too. */
export class SequenceSteps {
  readonly controls: ControlInputs;
  readonly #state: SequenceState;
  readonly #modelName: string;
  readonly #decoupled: boolean;
  /** Whether steps have inputs besides those of their request. */
  readonly #hasOwnInputs: boolean;
  readonly #declared: ReadonlySet<string>;
  readonly #allOutputs: readonly InferRequestedOutput[];
  readonly #stateOutputs: readonly InferRequestedOutput[];

  constructor(config: ModelConfig, state: SequenceState) {
    this.controls = createControlInputs(config);
    this.#state = state;
    this.#modelName = config.name;
    this.#hasOwnInputs = state.outputNames.size > 0 || this.controls.create(NOT_READY).length > 0;
    this.#decoupled = config.model_transaction_policy?.decoupled ?? false;
    this.#declared = new Set(config.output.map(({ name }) => name));
    this.#stateOutputs = [...state.outputNames].map(toRequested);
    this.#allOutputs = [...this.#declared].map(toRequested);
  }

  /**
   * The next execution of a request.
   *
   * @param state - The state inputs.
   */
  create(
    { request, fields, steps, spent }: SequenceRequest,
    state: readonly Tensor[],
    handler: ResponseHandler,
  ): InferenceRequest {
    const start = fields.start && steps === 0;
    const sequence = start === fields.start ? fields : { ...fields, start };
    const inputs = this.#hasOwnInputs
      ? [...request.inputs, ...this.controls.create({ ...sequence, ready: true }), ...state]
      : request.inputs;
    const requestedOutputs = this.#outputsOf(request);
    const step = copyOf(request, { inputs, requestedOutputs, sequence }, handler);
    step.times.arrived = request.times.arrived;
    step.times.queued = steps === 0 ? request.times.queued : 0;
    step.responseCount = request.responseCount;
    step.spent = spent;
    return step;
  }

  /** Fills a row whose sequence has no step in a batch: not ready, and zeros in the shapes of another step. */
  createPadding(step: InferenceRequest): InferenceRequest {
    const controls = this.controls.create(NOT_READY);
    const byName = new Map(controls.map((control) => [control.name, control]));
    const inputs = step.inputs.map((input) => byName.get(input.name) ?? zerosLike(input));
    const { requestedOutputs } = step;
    const padding = copyOf(step, { inputs, requestedOutputs, sequence: NO_SEQUENCE }, () => {});
    padding.isPadding = true;
    return padding;
  }

  /**
   * What the client sees of a response: a state output only where it is declared as an output, too, and asked for.
   * A good answer of an ordinary model that lacks a state is an error.
   */
  visible(
    response: InferenceResponse,
    request: InferenceRequest,
    state: readonly Tensor[],
  ): InferenceResponse {
    const { outputNames } = this.#state;
    if (outputNames.size === 0 || response.error !== undefined) return response;
    const missing = [...outputNames].find((name) => response.outputs.every((output) => output.name !== name));
    if (missing !== undefined && !this.#decoupled) {
      const message = `model '${this.#modelName}' answered without its state output '${missing}', which the next request of the sequence needs`;
      return errorResponse(new InferenceServerError('INTERNAL', message));
    }
    const shown = response.outputs.filter(
      ({ name }) => !outputNames.has(name) || this.#isWanted(name, request),
    );
    return { ...response, outputs: shown.map((output) => detached(output, state)) };
  }

  #isWanted(name: string, { requestedOutputs }: InferenceRequest): boolean {
    if (requestedOutputs.length === 0) return this.#declared.has(name);
    return requestedOutputs.some((output) => output.name === name);
  }

  #outputsOf({ requestedOutputs }: InferenceRequest): readonly InferRequestedOutput[] {
    if (this.#stateOutputs.length === 0) return requestedOutputs;
    const wanted = requestedOutputs.length > 0 ? requestedOutputs : this.#allOutputs;
    return [...wanted, ...this.#stateOutputs.filter(({ name }) => wanted.every((w) => w.name !== name))];
  }
}

const NO_SEQUENCE: SequenceFields = { id: 0, start: false, end: false };

/** An output that lies in a state's own buffer would change with the next step. */
function detached(output: Tensor, state: readonly Tensor[]): Tensor {
  const shares = state.some(({ data }) => data.buffer === output.data.buffer);
  return shares ? { ...output, data: new Uint8Array(output.data) } : output;
}

function copyOf(
  request: InferenceRequest,
  changes: Pick<InferenceRequestFields, 'inputs' | 'requestedOutputs' | 'sequence'>,
  handler: ResponseHandler,
): InferenceRequest {
  const { id, modelName, modelVersion, batchSize, priority, timeoutUs, parameters, trace } = request;
  const same = { id, modelName, modelVersion, batchSize, priority, timeoutUs, parameters, trace };
  return new InferenceRequest({ ...same, ...changes }, handler);
}

/** Zeros of a BYTES tensor are as many empty strings, with four bytes of length each. */
function zerosLike({ name, datatype, shape, data }: Tensor): Tensor {
  const byteLength =
    datatype === 'BYTES' ? 4 * shape.reduce((count, dim) => count * dim, 1) : data.byteLength;
  return { name, datatype, shape, data: new Uint8Array(byteLength) };
}

function toRequested(name: string): InferRequestedOutput {
  return { name, classification: 0, binaryData: false };
}
