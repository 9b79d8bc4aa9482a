/** Random traffic on the whole scheduler: nothing is lost, answered twice, reordered, crossed or late. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RecordedRequest } from '../../test/build-request.ts';
import { checkSchedules } from '../../test/check-schedules.ts';
import {
  createSequenceBench,
  sequenceConfig,
  valueOf,
  type SequenceBench,
} from '../../test/sequence-bench.ts';

const US = 1000;
const IDS = [1, 2, 3, 4, 5, 6] as const;

type Action =
  | { kind: 'send'; id: number; start: boolean; end: boolean; timeoutUs: number }
  | { kind: 'finish'; instance: number }
  | { kind: 'cancel'; back: number }
  | { kind: 'wait'; us: number };

const ACTION: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      id: fc.constantFrom(...IDS),
      start: fc.boolean(),
      end: fc.boolean(),
      timeoutUs: fc.constantFrom(0, 0, 150, 700),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('finish' as const), instance: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), back: fc.nat(8) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), us: fc.nat(600) }) },
);

const STRATEGIES = {
  direct: { direct: { minimum_slot_utilization: 1, max_queue_delay_microseconds: 50 } },
  oldest: {
    oldest: { max_candidate_sequences: 2, max_queue_delay_microseconds: 50, preserve_ordering: true },
  },
};

/** A request that was taken in, and what must become of it. */
interface Sent {
  readonly recorded: RecordedRequest;
  readonly id: number;
  /** Counts up over all requests; the model gets it as INPUT. */
  readonly token: number;
  readonly start: boolean;
  /** Until when it may be in the backlog, in nanoseconds; Infinity: no limit. */
  readonly deadline: number;
  answers: number;
  answeredAt: number;
}

class Traffic {
  readonly sent: Sent[] = [];
  readonly #bench: SequenceBench;
  readonly #rowOf = new Map<string, string>();
  #seen = 0;

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
    this.#checkBatches();
  }

  /** Lets everything come to its end. */
  finish(): void {
    this.#bench.runAll();
    for (let round = 0; round < 2 * IDS.length && this.#bench.scheduler.inFlightCount > 0; round += 1) {
      this.#bench.clock.advance(1000 * US);
      this.#bench.runAll();
    }
    this.#checkBatches();
  }

  #send({ id, start, end, timeoutUs }: Extract<Action, { kind: 'send' }>): void {
    const token = this.sent.length + 1;
    try {
      const recorded = this.#bench.send(id, token, { start, end, timeoutUs });
      const deadline = timeoutUs > 0 ? this.#bench.clock.now() + timeoutUs * US : Infinity;
      const sent = { recorded, id, token, start, deadline, answers: 0, answeredAt: -1 };
      recorded.request.wrapHandler((next) => (response, final) => {
        sent.answers += 1;
        sent.answeredAt = this.#bench.clock.now();
        next(response, final);
      });
      this.sent.push(sent);
    } catch (error) {
      assert.match(String(error), /START flag/);
      assert.equal(start, false);
    }
  }

  /** No id twice in what runs; with strategy direct, no sequence ever in another row. */
  #checkBatches(): void {
    const { runner } = this.#bench;
    const running = [0, 1].flatMap((instance) => {
      const batch = runner.running(instance);
      return batch === undefined ? [] : (runner.batches[batch]?.requests ?? []);
    });
    const ids = running
      .filter((step) => !step.isPadding && !step.isEnded)
      .map(({ sequence }) => sequence?.id);
    assert.equal(new Set(ids).size, ids.length, `one id runs twice: ${ids.join()}`);
    for (; this.#seen < runner.batches.length; this.#seen += 1) {
      runner.batches[this.#seen]?.requests.forEach((step, row) => {
        if (!step.isPadding) this.#checkRow(step, `${runner.instances[this.#seen]}/${row}`);
      });
    }
  }

  #checkRow(step: { readonly sequence: { id: unknown; start: boolean } | undefined }, row: string): void {
    const id = String(step.sequence?.id);
    if (step.sequence?.start === true) this.#rowOf.set(id, row);
    else if (this.isDirect) assert.equal(row, this.#rowOf.get(id), `sequence ${id} left its row`);
  }

  isDirect = false;
}

/** The sums that a model with this history answers: those of the requests that were not refused. */
function checkAnswers(sent: readonly Sent[]): void {
  for (const id of IDS) {
    let sum = 0;
    for (const { recorded, token, start, answers } of sent.filter((each) => each.id === id)) {
      assert.equal(answers, 1, `request ${token} was answered ${answers} times`);
      const [response] = recorded.responses;
      if (response?.error !== undefined) {
        assert.ok(['CANCELLED', 'UNAVAILABLE'].includes(response.error.code));
        continue;
      }
      sum = start ? token : sum + token;
      assert.equal(valueOf(response?.outputs ?? [], 'OUTPUT'), sum, `request ${token} of sequence ${id}`);
    }
  }
}

/** The backlog refuses a sequence when the first deadline of its requests comes: not before, and not later. */
function checkDeadlines(sent: readonly Sent[]): void {
  for (const { recorded, id, token, answeredAt } of sent) {
    if (!/timeout/.test(recorded.errors()[0] ?? '')) continue;
    const deadlines = sent.filter((each) => each.id === id).map(({ deadline }) => deadline);
    assert.ok(deadlines.includes(answeredAt), `request ${token} was refused at ${answeredAt}`);
  }
}

for (const [name, batching] of Object.entries(STRATEGIES)) {
  test(`no request is lost, doubled, reordered or crossed: ${name}`, () => {
    checkSchedules(
      fc.property(fc.array(ACTION, { maxLength: 120 }), (actions) => {
        const bench = createSequenceBench(sequenceConfig(batching), { instances: 2 });
        const traffic = new Traffic(bench);
        traffic.isDirect = name === 'direct';
        for (const action of actions) traffic.apply(action);
        traffic.finish();
        checkAnswers(traffic.sent);
        checkDeadlines(traffic.sent);
        assert.equal(bench.scheduler.inFlightCount, 0);
        assert.equal(bench.statistics.pending, 0);
        bench.scheduler.close();
        assert.equal(bench.clock.pending, 0);
      }),
    );
  });
}
