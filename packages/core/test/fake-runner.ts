import type { InferenceRequest } from '../src/request/inference-request.ts';
import type { Batch, BatchRunner } from '../src/scheduler/batch.ts';

/** What a model answers to a request of a batch; by default nothing. */
type Answer = (request: InferenceRequest) => void;

const NOTHING: Answer = (request) =>
  request.respond({ outputs: [], parameters: undefined, error: undefined }, true);

/** A runner with instances that are busy until told otherwise. */
export class FakeRunner implements BatchRunner {
  readonly batches: Batch[] = [];
  /** The instance that each batch was given to. */
  readonly instances: number[] = [];
  readonly instanceCount: number;
  onIdle: ((instance: number) => void) | undefined = undefined;
  /** How many batches the first instance takes while it is busy. */
  ahead = 0;
  /** Whether an instance is free before its batch is answered, as those of executors are. */
  freesFirst = false;
  /** Whether batches are answered while they are handed out. */
  answersAtOnce = false;
  readonly #answer: Answer;
  readonly #busy = new Set<number>();

  constructor(instances = 1, answer: Answer = NOTHING) {
    this.instanceCount = instances;
    this.#answer = answer;
  }

  get idleCount(): number {
    return this.instanceCount - this.#busy.size;
  }

  /** Ids of the requests of each batch. */
  get ids(): string[][] {
    return this.batches.map(({ requests }) => requests.map(({ id }) => id));
  }

  claim(at?: number): number | undefined {
    for (let instance = 0; instance < this.instanceCount; instance += 1) {
      if (!this.#busy.has(instance) && (at ?? instance) === instance) return instance;
    }
    return undefined;
  }

  claimAhead(): number | undefined {
    return this.ahead > 0 ? 0 : undefined;
  }

  withdraw(): void {}

  run(batch: Batch, instance: number): void {
    if (this.#busy.has(instance) && this.ahead-- <= 0) throw new Error(`instance ${instance} is busy`);
    this.#busy.add(instance);
    this.batches.push(batch);
    this.instances.push(instance);
    if (this.answersAtOnce) this.finish(this.batches.length - 1);
  }

  /** Answers a batch and frees its instance. */
  finish(at: number): void {
    if (this.freesFirst) this.#free(at);
    for (const request of this.batches[at]?.requests ?? []) this.#answer(request);
    if (!this.freesFirst) this.#free(at);
  }

  /** The batch that an instance is executing; undefined: none. */
  running(instance: number): number | undefined {
    return this.#busy.has(instance) ? this.instances.lastIndexOf(instance) : undefined;
  }

  #free(at: number): void {
    const instance = this.instances[at] ?? 0;
    this.#busy.delete(instance);
    this.onIdle?.(instance);
  }
}
