import type { InferRequestMessage, Tensor } from '@nereid/protocol';
import { parsePbtxt, type ModelConfig } from '@nereid/protocol/model-config';
import type { ResponseHandler } from '../src/response/inference-response.ts';
import { createEnsembleGraph } from '../src/scheduler/ensemble-graph.ts';
import { EnsembleScheduler } from '../src/scheduler/ensemble-scheduler.ts';
import type { InferFunction } from '../src/scheduler/infer-function.ts';
import { ManualClock } from '../src/scheduler/manual-clock.ts';
import { buildRequest, fp32, type RecordedRequest } from './build-request.ts';

/** A step that the ensemble has begun; it ends when the test says so. */
export class FakeStep {
  readonly message: InferRequestMessage;
  isCancelled = false;
  isEnded = false;
  isPaused = false;
  readonly #handler: ResponseHandler;

  constructor(message: InferRequestMessage, handler: ResponseHandler) {
    this.message = message;
    this.#handler = handler;
  }

  get model(): string {
    return this.message.modelName;
  }

  /** The first value of an input. */
  input(name: string): number | undefined {
    const data = this.message.inputs.find((input) => input.name === name)?.data;
    return data && new DataView(data.buffer, data.byteOffset).getFloat32(0, true);
  }

  /** A response of a decoupled model. */
  send(outputs: Readonly<Record<string, number>>): void {
    this.#respond(tensorsOf(outputs), false);
  }

  /** The only, or last, response. */
  finish(outputs: Readonly<Record<string, number>>): void {
    this.#respond(tensorsOf(outputs), true);
  }

  /** The only response, with several values in its only output. */
  finishWith(output: string, values: readonly number[]): void {
    this.#respond([fp32(output, [values.length], values)], true);
  }

  /** The end of a decoupled model's responses. */
  complete(): void {
    this.isEnded = true;
    this.#handler(undefined, true);
  }

  fail(error: NonNullable<Parameters<ResponseHandler>[0]>['error']): void {
    this.isEnded = true;
    this.#handler({ outputs: [], parameters: undefined, error }, true);
  }

  #respond(outputs: readonly Tensor[], final: boolean): void {
    this.isEnded = final;
    this.#handler({ outputs, parameters: undefined, error: undefined }, final);
  }
}

function tensorsOf(values: Readonly<Record<string, number>>): readonly Tensor[] {
  return Object.entries(values).map(([name, value]) => fp32(name, [1], [value]));
}

/** An ensemble whose models are the test's. All tensors are FP32 [1] unless a model says otherwise. */
export class FakeEnsemble {
  readonly clock = new ManualClock();
  /** All steps so far, in the order of their start. */
  readonly steps: FakeStep[] = [];
  readonly counts = { successes: 0, failures: [] as string[] };
  readonly scheduler: EnsembleScheduler;
  readonly decoupled: boolean;
  readonly #decoupledModels: ReadonlySet<string>;
  /** Called for each step that starts; default: it waits. */
  onStart: (step: FakeStep) => void = () => {};

  /** @param config - Text of the ensemble's configuration; @param models - Texts of those of its models. */
  constructor(config: string, models: readonly string[]) {
    const parsed = models.map(parse);
    this.#decoupledModels = new Set(
      parsed.filter((m) => m.model_transaction_policy?.decoupled === true).map((m) => m.name),
    );
    const graph = createEnsembleGraph(parse(config), new Map(parsed.map((m) => [m.name, m])));
    this.decoupled = graph.decoupled;
    const infer: InferFunction = (message, handler) => {
      const step = new FakeStep(message, handler);
      this.steps.push(step);
      this.onStart(step);
      return {
        cancel: () => {
          step.isCancelled = true;
        },
        pause: (isPaused) => {
          step.isPaused = isPaused;
        },
      };
    };
    const statistics = {
      recordExecution: () => {},
      recordSuccess: () => {
        this.counts.successes += 1;
      },
      recordFailure: (_ns: number, reason: string) => {
        this.counts.failures.push(reason);
      },
    };
    this.scheduler = new EnsembleScheduler({ graph, infer, statistics, clock: this.clock });
  }

  /** Sends a request with one value for each input. */
  request(
    inputs: Readonly<Record<string, number>>,
    fields: Parameters<typeof buildRequest>[0] = {},
  ): RecordedRequest {
    const recorded = buildRequest({ inputs: tensorsOf(inputs), ...fields });
    recorded.request.times.arrived = this.clock.now();
    this.scheduler.enqueue(recorded.request);
    return recorded;
  }

  isDecoupledModel(name: string): boolean {
    return this.#decoupledModels.has(name);
  }

  /** Steps that have begun and not ended, by the name of their model. */
  running(model?: string): readonly FakeStep[] {
    return this.steps.filter((step) => !step.isEnded && (model === undefined || step.model === model));
  }

  /** The only running step of a model. */
  only(model: string): FakeStep {
    const [step, ...others] = this.running(model);
    if (step === undefined || others.length > 0)
      throw new Error(`expected one running step of '${model}', found ${others.length + (step ? 1 : 0)}`);
    return step;
  }
}

function parse(text: string): ModelConfig {
  return parsePbtxt(text, { file: 'config.pbtxt' });
}

/** The configuration of a model with FP32 [1] tensors. */
export function model(
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  more = '',
): string {
  const io = (kind: string, names: readonly string[]): string =>
    names.map((n) => `${kind} { name: "${n}" data_type: TYPE_FP32 dims: 1 }`).join('\n');
  return `name: "${name}"\n${io('input', inputs)}\n${io('output', outputs)}\n${more}`;
}

/** What makes a model decoupled. */
export const DECOUPLED = 'model_transaction_policy { decoupled: true }';

/** One step of an ensemble: `step('a', { X: 'IN' }, { Y: 'OUT' })`. */
export function step(
  name: string,
  inputs: Readonly<Record<string, string>>,
  outputs: Readonly<Record<string, string>>,
): string {
  const map = (kind: string, entries: Readonly<Record<string, string>>): string =>
    Object.entries(entries)
      .map(([key, value]) => `${kind} { key: "${key}" value: "${value}" }`)
      .join(' ');
  return `step { model_name: "${name}" model_version: -1 ${map('input_map', inputs)} ${map('output_map', outputs)} }`;
}

/** The configuration of an ensemble of FP32 [1] tensors. */
export function ensemble(
  inputs: readonly string[],
  outputs: readonly string[],
  steps: readonly string[],
  more = '',
): string {
  return `${model('ens', inputs, outputs)}\nplatform: "ensemble"\nensemble_scheduling { ${steps.join('\n')} }\n${more}`;
}

/** A parameter of a configuration. */
export function parameter(key: string, value: string): string {
  return `parameters { key: "${key}" value { string_value: ${JSON.stringify(value)} } }\n`;
}

/** The first value of each output of each response; undefined for a response without outputs. */
export function valuesOf({ responses }: RecordedRequest): readonly (Record<string, number> | undefined)[] {
  return responses.map(
    (response) =>
      response &&
      Object.fromEntries(
        response.outputs.map(({ name, data }) => [
          name,
          new DataView(data.buffer, data.byteOffset).getFloat32(0, true),
        ]),
      ),
  );
}
