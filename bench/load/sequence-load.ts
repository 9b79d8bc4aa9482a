import { GrpcClient, InferInput, type InferStreamRequest, type InferStreamResponse } from '@nereid/client';
import type { LoadResult } from './load.ts';

/** How long a round may take before a lost answer is the reason. */
const LIMIT_MS = 60_000;

/** What sequences are sent, to the model y = 2x + 1. */
export interface SequenceLoad {
  /** host:port */
  readonly address: string;
  readonly model: string;
  /** Live at the same time. */
  readonly sequences: number;
  readonly steps: number;
  readonly seconds: number;
}

/**
 * Sends the steps of many sequences in turn over one stream, the first step of all, then the second of all, without
 * waiting for answers, and again once all are there. An answer that is lost, comes twice, comes before that of an
 * earlier step, or has another step's value, is an error.
 */
export async function runSequenceLoad(load: SequenceLoad): Promise<LoadResult> {
  const client = new GrpcClient(load.address);
  const started = performance.now();
  const roundMs: number[] = [];
  let answered = 0;
  let errors = 0;
  try {
    while (performance.now() - started < load.seconds * 1000) {
      const roundStarted = performance.now();
      const round = new SequenceRound(load);
      const signal = AbortSignal.timeout(LIMIT_MS);
      for await (const answer of client.inferStream(round.requests(), { signal })) round.take(answer);
      answered += round.answered;
      errors += round.errors;
      roundMs.push(performance.now() - roundStarted);
    }
  } finally {
    await client.close();
  }
  const seconds = (performance.now() - started) / 1000;
  const median = roundMs.toSorted((a, b) => a - b)[Math.floor(roundMs.length / 2)] ?? 0;
  return { requestsPerSecond: answered / seconds, p50Us: median * 1000, errors };
}

/** All steps of all sequences, once. */
class SequenceRound {
  readonly #load: SequenceLoad;
  /** The step that each sequence must answer next. */
  readonly #next: number[];
  answered = 0;
  #wrong = 0;

  constructor(load: SequenceLoad) {
    this.#load = load;
    this.#next = Array.from({ length: load.sequences }, () => 0);
  }

  /** Answers that were wrong, and steps that have none. */
  get errors(): number {
    return this.#wrong + this.#next.filter((step) => step !== this.#load.steps).length;
  }

  *requests(): Generator<InferStreamRequest> {
    const { model, sequences, steps } = this.#load;
    for (let step = 0; step < steps; step += 1) {
      for (let sequence = 0; sequence < sequences; sequence += 1) {
        yield {
          modelName: model,
          requestId: `${sequence}.${step}`,
          inputs: [InferInput.from('X', Float32Array.of(this.#tokenOf(sequence, step)), [1, 1])],
          sequence: { id: sequence + 1, start: step === 0, end: step === steps - 1 },
        };
      }
    }
  }

  take(answer: InferStreamResponse): void {
    this.answered += 1;
    const [sequence = -1, step = -1] = answer.id.split('.').map(Number);
    const value = answer.kind === 'result' ? answer.result.output('Y', 'FP32')[0] : undefined;
    const isRight = this.#next[sequence] === step && value === 2 * this.#tokenOf(sequence, step) + 1;
    if (isRight) this.#next[sequence] = step + 1;
    else this.#wrong += 1;
  }

  #tokenOf(sequence: number, step: number): number {
    return sequence * this.#load.steps + step;
  }
}
