import type { InferenceRequest } from '../request/inference-request.ts';
import { createEnsemblePlan, type EnsemblePlan } from './ensemble-plan.ts';
import { EnsembleRun, type EnsembleRunParts } from './ensemble-run.ts';
import { InFlight } from './in-flight.ts';
import type { Scheduler } from './scheduler.ts';
import { StepLimiter } from './step-limiter.ts';

/** What an ensemble scheduler needs. */
export type EnsembleParts = Omit<EnsembleRunParts, 'plan' | 'limiters'>;

/** Runs the steps of an ensemble as soon as their inputs are there, side by side where they can. */
export class EnsembleScheduler implements Scheduler {
  readonly #parts: EnsembleParts;
  readonly #limiters: readonly StepLimiter[];
  /** The plan of a request for all outputs: the usual one. */
  readonly #plan: EnsemblePlan;
  readonly #inFlight = new InFlight();

  constructor(parts: EnsembleParts) {
    const { graph } = parts;
    this.#parts = parts;
    this.#plan = createEnsemblePlan(graph, () => true);
    this.#limiters = graph.maxInflight === 0 ? [] : graph.nodes.map(() => new StepLimiter(graph.maxInflight));
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
    new EnsembleRun(request, {
      ...this.#parts,
      plan: this.#planFor(request),
      limiters: this.#limiters,
    }).start();
  }

  close(): void {}

  #planFor({ requestedOutputs }: InferenceRequest): EnsemblePlan {
    if (requestedOutputs.length === 0) return this.#plan;
    return createEnsemblePlan(this.#parts.graph, (output) =>
      requestedOutputs.some(({ name }) => name === output),
    );
  }
}
