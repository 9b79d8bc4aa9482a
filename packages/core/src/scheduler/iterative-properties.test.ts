/** Random traffic on a model that gives requests back: nothing is lost, answered twice, crossed or executed too often. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RecordedRequest } from '../../test/build-request.ts';
import { checkSchedules } from '../../test/check-schedules.ts';
import {
  createSequenceBench,
  int32,
  outputsOf,
  sequenceConfig,
  valueOf,
  type SequenceBench,
} from '../../test/sequence-bench.ts';
import type { InferenceRequest } from '../request/inference-request.ts';

const US = 1000;
const INSTANCES = 2;

type Action =
  | { kind: 'send'; steps: number; timeoutUs: number }
  | { kind: 'finish'; instance: number }
  | { kind: 'cancel'; back: number }
  | { kind: 'wait'; us: number };

const ACTION: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      steps: fc.integer({ min: 1, max: 4 }),
      timeoutUs: fc.constantFrom(0, 0, 150, 700),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('finish' as const), instance: fc.nat(INSTANCES - 1) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), back: fc.nat(8) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), us: fc.nat(400) }) },
);

/** Counts in its state up to INPUT, one execution after the other, and answers with the count. */
function countToInput(step: InferenceRequest): void {
  const isFirst = valueOf(step.inputs, 'START') === 1;
  const count = (isFirst ? 0 : (valueOf(step.inputs, 'IN_STATE') ?? NaN)) + 1;
  const state = int32('OUT_STATE', count);
  if (count < (valueOf(step.inputs, 'INPUT') ?? 0)) step.reschedule([state]);
  else
    step.respond({ outputs: [int32('OUTPUT', count), state], parameters: undefined, error: undefined }, true);
}

/** A request that was sent, and what became of it. */
interface Sent {
  readonly recorded: RecordedRequest;
  readonly steps: number;
  readonly deadline: number;
  answeredAt: number;
}

class Traffic {
  readonly sent: Sent[] = [];
  readonly #bench: SequenceBench;

  constructor(bench: SequenceBench) {
    this.#bench = bench;
  }

  apply(action: Action): void {
    const { clock, runner } = this.#bench;
    if (action.kind === 'send') this.#send(action);
    else if (action.kind === 'cancel') this.sent.at(-1 - action.back)?.recorded.request.cancel();
    else if (action.kind === 'wait') clock.advance(action.us * US);
    else {
      const batch = runner.running(action.instance);
      if (batch !== undefined) runner.finish(batch);
    }
    clock.advance(0);
    this.#assertNoneTwice();
  }

  /** A request is refused at its deadline and only then; each that is not is executed as often as it wants to be. */
  check(): void {
    for (const [at, { recorded, steps, deadline, answeredAt }] of this.sent.entries()) {
      assert.equal(recorded.finals(), 1, `answers to request ${at}`);
      const [error] = recorded.errors();
      if (error === undefined) assert.deepEqual(outputsOf(recorded), [steps]);
      else if (/timeout/.test(error)) assert.equal(answeredAt, deadline);
      else assert.match(error, /cancelled/);
    }
  }

  #send({ steps, timeoutUs }: Extract<Action, { kind: 'send' }>): void {
    const { clock } = this.#bench;
    // Without an id: each request is a sequence of its own.
    const recorded = this.#bench.send(0, steps, { timeoutUs });
    const deadline = timeoutUs > 0 ? clock.now() + timeoutUs * US : Infinity;
    const sent = { recorded, steps, deadline, answeredAt: -1 };
    recorded.request.wrapHandler((next) => (response, final) => {
      sent.answeredAt = clock.now();
      next(response, final);
    });
    this.sent.push(sent);
  }

  #assertNoneTwice(): void {
    const { runner } = this.#bench;
    const ids = Array.from({ length: INSTANCES }, (_, instance) => runner.running(instance))
      .flatMap((batch) => (batch === undefined ? [] : (runner.batches[batch]?.requests ?? [])))
      .filter((step) => !step.isPadding && !step.isEnded)
      .map(({ sequence }) => String(sequence?.id));
    assert.equal(new Set(ids).size, ids.length, `one request runs twice: ${ids.join()}`);
  }
}

for (const [name, strategy] of Object.entries({
  direct: { direct: {} },
  oldest: { oldest: { max_candidate_sequences: 2, max_queue_delay_microseconds: 50 } },
})) {
  test(`no request that goes round and round is lost, doubled or crossed: ${name}`, () => {
    checkSchedules(
      fc.property(fc.array(ACTION, { maxLength: 100 }), (actions) => {
        const config = sequenceConfig({ iterative_sequence: true, ...strategy });
        const bench = createSequenceBench(config, { instances: INSTANCES, answer: countToInput });
        const traffic = new Traffic(bench);
        for (const action of actions) traffic.apply(action);
        for (let round = 0; round < 1000 && bench.scheduler.inFlightCount > 0; round += 1) {
          bench.clock.advance(100 * US);
          bench.runAll();
        }
        traffic.check();
        assert.equal(bench.scheduler.inFlightCount, 0);
        assert.equal(bench.statistics.pending, 0);
        bench.scheduler.close();
        assert.equal(bench.clock.pending, 0);
      }),
    );
  });
}
