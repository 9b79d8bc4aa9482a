import type { Batch, BatchRunner } from '../src/scheduler/batch.ts';

/** A runner with instances that are busy until told otherwise. */
export class FakeRunner implements BatchRunner {
  readonly batches: Batch[] = [];
  readonly instanceCount: number;
  idleCount: number;
  onIdle: (() => void) | undefined = undefined;

  constructor(instances = 1) {
    this.instanceCount = instances;
    this.idleCount = instances;
  }

  /** Ids of the requests of each batch. */
  get ids(): string[][] {
    return this.batches.map(({ requests }) => requests.map(({ id }) => id));
  }

  run(batch: Batch): void {
    this.idleCount -= 1;
    this.batches.push(batch);
  }

  /** Answers a batch and frees its instance. */
  finish(at: number): void {
    for (const request of this.batches[at]?.requests ?? []) {
      request.respond({ outputs: [], parameters: undefined, error: undefined }, true);
    }
    this.idleCount += 1;
    this.onIdle?.();
  }
}
