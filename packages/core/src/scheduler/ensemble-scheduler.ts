import { InferenceServerError, type InferRequestMessage, type Tensor } from '@nereid/protocol';
import type { InferenceRequest, RequestHolder } from '../request/inference-request.ts';
import type { InferenceResponse, ResponseHandler } from '../response/inference-response.ts';
import type { ModelStatistics } from '../telemetry/statistics.ts';
import type { RequestTrace } from '../telemetry/trace.ts';
import type { Clock } from './clock.ts';
import type { EnsembleGraph, EnsembleStep } from './ensemble-graph.ts';
import { InFlight } from './in-flight.ts';
import type { Scheduler } from './scheduler.ts';

/** Runs one inference on a model by name. Handed in from outside: a scheduler does not know the service. */
export type InferFunction = (
  message: InferRequestMessage,
  handler: ResponseHandler,
  trace: RequestTrace | undefined,
) => { cancel(): void };

/** What an ensemble scheduler needs. */
export interface EnsembleParts {
  readonly graph: EnsembleGraph;
  readonly infer: InferFunction;
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
}

/** Runs the steps of an ensemble as soon as their inputs are there, side by side where they can. */
export class EnsembleScheduler implements Scheduler {
  readonly #parts: EnsembleParts;
  readonly #inFlight = new InFlight();

  constructor(parts: EnsembleParts) {
    this.#parts = parts;
  }

  get inFlightCount(): number {
    return this.#inFlight.count;
  }

  drain(): Promise<void> {
    return this.#inFlight.drain();
  }

  enqueue(request: InferenceRequest): void {
    this.#inFlight.add(request);
    const now = this.#parts.clock.now();
    request.times.queued = now;
    request.times.started = now;
    new EnsembleRun(request, this.#parts).start();
  }

  close(): void {}
}

/** One request on its way through the graph. */
class EnsembleRun implements RequestHolder {
  readonly #request: InferenceRequest;
  readonly #parts: EnsembleParts;
  readonly #tensors = new Map<string, Tensor>();
  readonly #waiting: Set<number>;
  readonly #running = new Set<{ cancel(): void }>();
  #runningCount = 0;
  #failed = false;

  constructor(request: InferenceRequest, parts: EnsembleParts) {
    this.#request = request;
    this.#parts = parts;
    this.#waiting = stepsToRun(parts.graph, request);
    for (const input of request.inputs) this.#tensors.set(input.name, input);
  }

  start(): void {
    this.#request.holder = this;
    this.#advance();
  }

  /** The client has gone: so do the steps that run. */
  cancel(): void {
    for (const step of this.#running) step.cancel();
  }

  /** Starts every step whose inputs are there; ends the request when nothing is left to run. */
  #advance(): void {
    for (const at of [...this.#waiting]) {
      const step = this.#parts.graph.steps[at];
      // A step that answers at once may have started others meanwhile.
      if (step === undefined || this.#failed || !this.#waiting.has(at) || !this.#isFed(step)) continue;
      this.#waiting.delete(at);
      this.#run(step);
    }
    if (this.#runningCount === 0 && !this.#failed) this.#finish();
  }

  /** Whether all tensors of a step are there, except those that optional inputs of the ensemble left out. */
  #isFed(step: EnsembleStep): boolean {
    return step.inputs.every(
      ({ ensembleTensor }) => this.#tensors.has(ensembleTensor) || !this.#isMade(ensembleTensor),
    );
  }

  #isMade(tensor: string): boolean {
    return this.#parts.graph.steps.some((step) =>
      step.outputs.some(({ ensembleTensor }) => ensembleTensor === tensor),
    );
  }

  #run(step: EnsembleStep): void {
    this.#runningCount += 1;
    const message = this.#messageFor(step);
    const trace = this.#request.trace?.child(step.modelName, step.modelVersion);
    let pending: { cancel(): void } | undefined;
    try {
      pending = this.#parts.infer(
        message,
        (response, final) => {
          if (response !== undefined) this.#collect(step, response);
          if (!final) return;
          if (pending !== undefined) this.#running.delete(pending);
          trace?.end();
          this.#runningCount -= 1;
          this.#advance();
        },
        trace,
      );
      this.#running.add(pending);
    } catch (error) {
      const failure = InferenceServerError.from(error);
      trace?.fail(failure.message);
      this.#runningCount -= 1;
      this.#fail(failure);
    }
  }

  #messageFor(step: EnsembleStep): InferRequestMessage {
    const { id, parameters, priority, timeoutUs, sequence } = this.#request;
    const inputs = step.inputs.flatMap(({ modelTensor, ensembleTensor }) => {
      const tensor = this.#tensors.get(ensembleTensor);
      return tensor === undefined ? [] : [{ ...tensor, name: modelTensor }];
    });
    const outputs = step.outputs.map(({ modelTensor }) => ({
      name: modelTensor,
      classification: 0,
      binaryData: false,
    }));
    const { modelName, modelVersion } = step;
    return {
      modelName,
      modelVersion,
      id,
      inputs,
      outputs,
      binaryDataOutput: false,
      priority,
      timeoutUs,
      sequence,
      parameters,
    };
  }

  #collect(step: EnsembleStep, response: InferenceResponse): void {
    if (response.error !== undefined) {
      this.#fail(response.error);
      return;
    }
    for (const output of response.outputs) {
      const mapped = step.outputs.find(({ modelTensor }) => modelTensor === output.name);
      if (mapped !== undefined)
        this.#tensors.set(mapped.ensembleTensor, { ...output, name: mapped.ensembleTensor });
    }
  }

  #finish(): void {
    const { graph, statistics, clock } = this.#parts;
    if (this.#request.isEnded) return;
    const wanted = [...graph.stepsFor.keys()].filter((name) => isWanted(this.#request, name));
    const outputs = wanted.flatMap((name) => this.#tensors.get(name) ?? []);
    if (outputs.length < wanted.length) {
      const missing = wanted.filter((name) => !this.#tensors.has(name)).join(', ');
      this.#fail(
        new InferenceServerError('INVALID_ARG', `unexpected deadlock, no step produced output ${missing}`),
      );
      return;
    }
    const inferNs = clock.now() - this.#request.times.started;
    statistics.recordExecution(this.#request.batchSize, 0, inferNs, 0);
    statistics.recordSuccess(clock.now() - this.#request.times.arrived, 0, 0, inferNs, 0);
    this.#request.respond({ outputs, parameters: undefined, error: undefined }, true);
  }

  /** A failed step fails the request; the others are told to stop. */
  #fail(error: InferenceServerError): void {
    if (this.#failed) return;
    this.#failed = true;
    const { graph, statistics, clock } = this.#parts;
    for (const step of this.#running) step.cancel();
    const reason = error.code === 'CANCELLED' ? 'CANCELED' : 'OTHER';
    statistics.recordFailure(clock.now() - this.#request.times.arrived, reason);
    const message = `in ensemble '${graph.name}', ${error.message}`;
    this.#request.fail(new InferenceServerError(error.code, message, { cause: error }));
  }
}

function isWanted(request: InferenceRequest, output: string): boolean {
  return (
    request.requestedOutputs.length === 0 || request.requestedOutputs.some(({ name }) => name === output)
  );
}

function stepsToRun(graph: EnsembleGraph, request: InferenceRequest): Set<number> {
  const needed = new Set<number>();
  for (const [output, steps] of graph.stepsFor) {
    if (isWanted(request, output)) for (const step of steps) needed.add(step);
  }
  return needed;
}
