import { InferenceServerError, type Tensor } from '@nereid/protocol';
import { requestIdPrefix, type InferenceRequest, type RequestHolder } from '../request/inference-request.ts';
import type { InferenceResponse } from '../response/inference-response.ts';
import type { ModelStatistics } from '../telemetry/statistics.ts';
import type { Clock } from './clock.ts';
import { EnsembleDataflow, type DataflowEvents } from './ensemble-dataflow.ts';
import type { EnsembleGraph } from './ensemble-graph.ts';
import type { StepNode } from './ensemble-outline.ts';
import type { EnsemblePass } from './ensemble-pass.ts';
import type { EnsemblePlan } from './ensemble-plan.ts';
import { ROOT } from './ensemble-scopes.ts';
import type { InferFunction } from './infer-function.ts';
import type { StepLimiter } from './step-limiter.ts';
import { StepRun } from './step-run.ts';

/**
 * Responses of a decoupled step that may be under way in one request before the step is held back: without a limit a
 * model that is faster than the steps after it, or than the client, fills the memory. `max_inflight_requests` may
 * allow more.
 */
const MOST_PASSES = 16;

/** What a run is made of. */
export interface EnsembleRunParts {
  readonly graph: EnsembleGraph;
  readonly infer: InferFunction;
  readonly statistics: Pick<ModelStatistics, 'recordExecution' | 'recordSuccess' | 'recordFailure'>;
  readonly clock: Clock;
  readonly plan: EnsemblePlan;
  /** By place of the step; empty when there is no limit. */
  readonly limiters: readonly StepLimiter[];
}

/**
 * One request on its way through the graph. Steps run as soon as the flow says so; the request is answered pass by
 * pass, in the order of the responses that started the passes. The first error ends everything.
 */
export class EnsembleRun implements RequestHolder, DataflowEvents {
  readonly #request: InferenceRequest;
  readonly #parts: EnsembleRunParts;
  readonly #flow: EnsembleDataflow;
  readonly #runs = new Set<StepRun>();
  /** The response of an ensemble that gives only one. */
  #response: InferenceResponse | undefined;
  #isPaused = false;
  #isAnswering = false;
  #hasNews = false;

  constructor(request: InferenceRequest, parts: EnsembleRunParts) {
    this.#request = request;
    this.#parts = parts;
    const { graph, plan } = parts;
    this.#flow = new EnsembleDataflow({ graph, request, needed: plan.needed, events: this });
  }

  start(): void {
    this.#request.holder = this;
    if (this.#request.isCancelled) {
      this.cancel();
      return;
    }
    this.#flow.start();
    this.#answer();
  }

  /** The client has gone: so do the steps that run. */
  cancel(): void {
    const message = `${requestIdPrefix(this.#request.id)}request was cancelled`;
    this.fail(new InferenceServerError('CANCELLED', message));
  }

  /** Whoever takes the responses can't keep up, or can again: the steps that make them are told. */
  pause(_request: InferenceRequest, isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    for (const run of this.#runs) if (run.step.decoupled) run.holdBack(isPaused);
  }

  run(step: StepNode, pass: EnsemblePass): void {
    const { infer, clock, limiters } = this.#parts;
    const run: StepRun = new StepRun(step, pass, {
      infer,
      clock,
      limiter: limiters[step.index],
      request: this.#request,
      inputs: this.#inputsOf(step, pass),
      onResponse: (response, final) => this.#receive(run, response, final),
    });
    this.#runs.add(run);
    if (this.#isPaused && step.decoupled) run.holdBack(true);
    // What makes passes faster than their steps can start is held back.
    const producer = limiters.length === 0 ? undefined : this.#producerOf(pass);
    if (!run.start(() => producer?.holdBack(false))) producer?.holdBack(true);
  }

  end(pass: EnsemblePass): void {
    let last = pass;
    while (last.depth > this.#parts.plan.depth && last.parent !== undefined) last = last.parent;
    last.isLast = true;
    for (let at: EnsemblePass = last; at.parent !== undefined; at = at.parent) {
      at.dropLater();
      at.parent.isProduced = true;
      this.#producerOf(at)?.cancel();
    }
  }

  /** A failed step fails the request; the others are told to stop. */
  fail(error: InferenceServerError): void {
    if (this.#request.isEnded) return;
    const { graph, statistics, clock } = this.#parts;
    const reason = error.code === 'CANCELLED' ? 'CANCELED' : 'OTHER';
    statistics.recordFailure(clock.now() - this.#request.times.arrived, reason);
    const message = `in ensemble '${graph.name}', ${error.message}`;
    this.#request.fail(new InferenceServerError(error.code, message, { cause: error }));
    this.#cancelRuns();
  }

  #receive(run: StepRun, response: InferenceResponse | undefined, final: boolean): void {
    if (final) this.#runs.delete(run);
    if (run.isCancelled || this.#request.isEnded) return;
    const { step, pass } = run;
    if (response?.error !== undefined) {
      this.fail(response.error);
      return;
    }
    if (step.decoupled) {
      if (response !== undefined) this.#flow.beginPass(step, pass, response.outputs);
      if (final) pass.isProduced = true;
    } else {
      this.#flow.give(step, pass, response?.outputs ?? []);
    }
    this.#answer();
    if (this.#parts.graph.decoupled) this.#holdBackFull();
  }

  /** A decoupled step makes no more passes while many of those it made are not answered. */
  #holdBackFull(): void {
    const { maxInflight, nodes } = this.#parts.graph;
    const most = Math.max(MOST_PASSES, maxInflight * nodes.length);
    for (const run of this.#runs) {
      if (run.step.decoupled) run.setFull(run.pass.children.length >= most && !this.#isSharedModel(run.step));
    }
  }

  /** Whether a further step has the same model: the one held back could have the only instance that the other needs. */
  #isSharedModel(step: StepNode): boolean {
    return this.#parts.graph.nodes.some(
      (node) => node.kind === 'step' && node.index !== step.index && node.model === step.model,
    );
  }

  #inputsOf(step: StepNode, pass: EnsemblePass): readonly Tensor[] {
    const inputs: Tensor[] = [];
    for (const { modelTensor, tensor } of step.inputs) {
      const state = this.#flow.stateOf(pass, tensor);
      if (typeof state !== 'object') continue;
      const { datatype, shape, data } = state;
      inputs.push({ name: modelTensor, datatype, shape, data });
    }
    return inputs;
  }

  /** The run whose responses make passes such as this one. */
  #producerOf({ scope, parent }: EnsemblePass): StepRun | undefined {
    if (scope === ROOT) return undefined;
    for (const run of this.#runs) if (run.step.index === scope && run.pass === parent) return run;
    return undefined;
  }

  /** Gives the answers that are complete, and ends the request after the last one. Giving one may complete others. */
  #answer(): void {
    this.#hasNews = true;
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    while (this.#hasNews && !this.#request.isEnded) {
      this.#hasNews = false;
      if (this.#isOver(this.#flow.root)) this.#finish();
    }
    this.#isAnswering = false;
  }

  /** Whether a pass and all below are answered. */
  #isOver(pass: EnsemblePass): boolean {
    if (pass.isLast && !pass.isCut) this.#cut(pass);
    if (pass.depth >= this.#parts.plan.depth) return this.#answerPass(pass);
    for (let child = pass.children[0]; child !== undefined; child = pass.children[0]) {
      if (!this.#isOver(child) || this.#request.isEnded) return false;
      pass.children.shift();
    }
    return pass.isProduced;
  }

  #answerPass(pass: EnsemblePass): boolean {
    const { graph, plan } = this.#parts;
    const outputs: Tensor[] = [];
    for (const at of plan.wanted) {
      const state = this.#flow.stateOf(pass, at);
      if (state === undefined) return false;
      const name = graph.tensors[at]?.name ?? '';
      if (state === 'missing') {
        this.#failWithout(name, this.#flow.originOf(pass, at));
        return false;
      }
      if (typeof state === 'string') continue;
      const { datatype, shape, data } = state;
      outputs.push({ name, datatype, shape, data });
    }
    const response: InferenceResponse = { outputs, parameters: undefined, error: undefined };
    if (!graph.decoupled) this.#response = response;
    else if (outputs.length > 0) this.#request.respond(response, false);
    this.#flow.close(pass);
    return true;
  }

  #failWithout(output: string, origin: ReturnType<EnsembleDataflow['originOf']>): void {
    const what =
      'unexpected deadlock, at least one output is not set while no more ensemble steps can be made';
    const reason =
      origin === undefined
        ? ''
        : `, since step ${origin.step.index} (model '${origin.step.modelName}') left its output '${origin.output}' out`;
    const message = `${requestIdPrefix(this.#request.id)}${what}: '${output}'${reason}`;
    this.fail(new InferenceServerError('INVALID_ARG', message));
  }

  /** The request ends with this pass, whose turn it is: what is not there by now is skipped. */
  #cut(last: EnsemblePass): void {
    const passes = [...last.all()];
    for (let at = last.parent; at !== undefined; at = at.parent) passes.push(at);
    for (const pass of passes) pass.isCut = true;
    for (const run of [...this.#runs]) {
      if (run.isCancelled) continue;
      run.cancel();
      this.#flow.giveNothing(run.step, run.pass, 'skipped');
    }
    for (const pass of passes) this.#flow.skipRest(pass);
  }

  #finish(): void {
    const { statistics, clock } = this.#parts;
    const { times, batchSize } = this.#request;
    const now = clock.now();
    const inferNs = now - times.started;
    statistics.recordExecution(batchSize, 0, inferNs, 0);
    statistics.recordSuccess(now - times.arrived, 0, 0, inferNs, 0);
    this.#request.respond(this.#response, true);
    // Only what has become pointless still runs: what stands in for tensors that came, or an early end left behind.
    this.#cancelRuns();
  }

  #cancelRuns(): void {
    for (const run of [...this.#runs]) run.cancel();
  }
}
