import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InferenceServerError } from '@nereid/protocol';
import {
  answerWithSum,
  createSequenceBench,
  int32,
  outputsOf,
  sequenceConfig,
  valueOf,
  type SequenceBenchOptions,
} from '../../test/sequence-bench.ts';
import type { InferenceRequest } from '../request/inference-request.ts';

const US = 1000;
const OLDEST = { oldest: { max_candidate_sequences: 2 } };
const codes = ({
  responses,
}: {
  responses: readonly ({ error: { code: string } | undefined } | undefined)[];
}) => responses.map((response) => response?.error?.code);

for (const [strategy, batching] of Object.entries({ oldest: OLDEST, direct: { direct: {} } })) {
  describe(`SequenceBatchScheduler, strategy ${strategy}`, () => {
    const bench = (options: SequenceBenchOptions = {}) =>
      createSequenceBench(sequenceConfig(batching), options);

    test('keeps the state of a sequence between its steps, in order', () => {
      const { send, runAll } = bench();
      const all = [send(7, 1, { start: true }), send(7, 2), send(7, 10, { end: true })];
      runAll();
      assert.deepEqual(all.flatMap(outputsOf), [1, 3, 13]);
    });

    test('runs at most one request of a sequence at a time', () => {
      const { send, runAll, rows } = bench();
      send(7, 1, { start: true });
      send(7, 2, { end: true });
      runAll();
      assert.deepEqual(rows(), ['7:1', '7:2']);
    });

    test('hands a break on to the step that runs, and to the next one of the request', () => {
      const { send, runner, clock } = bench();
      const isPaused = (batch: number): boolean | undefined => runner.batches[batch]?.requests[0]?.isPaused;
      const { request } = send(7, 1, { start: true });
      send(7, 2, { end: true }).request.pause(true);
      clock.advance(0);
      request.pause(true);
      assert.equal(isPaused(0), true);
      request.pause(false);
      assert.equal(isPaused(0), false);
      runner.finish(0);
      clock.advance(0);
      assert.equal(isPaused(1), true);
    });

    test('puts requests of different sequences into one batch', () => {
      const { send, runAll, rows } = bench();
      send(7, 1, { start: true });
      send(8, 2, { start: true });
      runAll();
      assert.deepEqual(rows(), ['7:1 8:2']);
    });

    test('tells the model which step is the first, which one the last, and of which sequence', () => {
      const { send, runAll, runner } = bench();
      send(7, 1, { start: true });
      send(7, 2);
      send(7, 3, { end: true });
      runAll();
      const seen = runner.batches.map(({ requests: [step] }) =>
        ['START', 'END', 'READY', 'CORRID'].map((name) => valueOf(step?.inputs ?? [], name)),
      );
      assert.deepEqual(seen, [
        [1, 0, 1, 7],
        [0, 0, 1, 7],
        [0, 1, 1, 7],
      ]);
    });

    test('begins anew when START comes again, after what was sent before, and warns', () => {
      const { send, runAll, warnings } = bench();
      const all = [
        send(7, 1, { start: true }),
        send(7, 2),
        send(7, 10, { start: true }),
        send(7, 1, { end: true }),
      ];
      runAll();
      assert.deepEqual(all.flatMap(outputsOf), [1, 3, 10, 11]);
      assert.match(warnings.join(), /sequence 7 of model 'seq' starts again before it ended/);
    });

    test('a sequence of the same id after END waits for the earlier one to be answered', () => {
      const { send, runAll, clock, runner } = bench();
      const first = send(7, 1, { start: true, end: true });
      const second = send(7, 5, { start: true, end: true });
      clock.advance(0);
      assert.equal(runner.batches.length, 1);
      runAll();
      assert.deepEqual([first, second].flatMap(outputsOf), [1, 5]);
    });

    test('refuses a first request without START, one after END, and one without an id', () => {
      const { send, runAll } = bench();
      const notStarted = {
        code: 'INVALID_ARG',
        message: /sequence 7 to model 'seq' must specify the START flag/,
      };
      assert.throws(() => send(7, 1), notStarted);
      send(7, 1, { start: true, end: true });
      runAll();
      assert.throws(() => send(7, 1), notStarted);
      for (const none of [0, '']) {
        assert.throws(() => send(none, 1, { start: true }), {
          code: 'INVALID_ARG',
          message: /model 'seq' must specify a non-zero or non-empty correlation ID/,
        });
      }
    });

    test('refuses an id of the kind that the CORRID control does not take', () => {
      assert.throws(() => bench().send('abc', 1, { start: true }), {
        code: 'INVALID_ARG',
        message: /correlation ID "abc", a string, but control input 'CORRID' .* takes numbers \(TYPE_INT32\)/,
      });
    });

    test('lets sequences beyond the slots wait until one ends', () => {
      const { send, runAll, clock, rows } = bench();
      send(1, 1, { start: true });
      send(2, 2, { start: true });
      const third = send(3, 3, { start: true, end: true });
      runAll();
      assert.deepEqual(third.responses, []);
      send(1, 1, { end: true });
      runAll();
      assert.deepEqual(outputsOf(third), [3]);
      clock.advance(0);
      assert.deepEqual(rows(), ['1:1 2:2', '1:1', '3:3']);
    });

    test('drops a sequence exactly when it has been idle for too long, and gives its slot away', () => {
      const { send, runAll, clock } = bench();
      send(1, 1, { start: true });
      send(2, 1, { start: true });
      runAll();
      const waiting = send(3, 5, { start: true });
      clock.advance(1000 * US - 1);
      send(1, 1);
      runAll();
      clock.advance(1);
      runAll();
      assert.deepEqual(outputsOf(waiting), [5]);
      assert.throws(() => send(2, 1), { message: /START flag/ });
      assert.deepEqual(outputsOf((send(1, 1), send(1, 1))), []);
    });

    test('the time in which a request executes is not idle', () => {
      const { send, runAll, clock } = bench();
      const first = send(1, 1, { start: true });
      clock.advance(5000 * US);
      runAll();
      const second = send(1, 2, { end: true });
      runAll();
      assert.deepEqual([first, second].flatMap(outputsOf), [1, 3]);
    });

    test('a timeout in the backlog fails all requests of the sequence, and no others', () => {
      const { send, runAll, clock, statistics } = bench();
      send(1, 1, { start: true });
      send(2, 1, { start: true });
      const late = [send(3, 1, { start: true, timeoutUs: 500 }), send(3, 1)];
      const other = send(4, 9, { start: true, end: true });
      clock.advance(500 * US - 1);
      assert.deepEqual(late.flatMap(codes), []);
      clock.advance(1);
      assert.deepEqual(late.flatMap(codes), ['UNAVAILABLE', 'UNAVAILABLE']);
      assert.match(late[1]?.errors().join() ?? '', /timeout of the corresponding sequence has been expired/);
      assert.throws(() => send(3, 1), { message: /START flag/ });
      send(1, 1, { end: true });
      runAll();
      assert.deepEqual(outputsOf(other), [9]);
      assert.deepEqual(statistics.failures, ['REJECTED', 'REJECTED']);
    });

    test('a timeout does nothing to a sequence that has a slot', () => {
      const { send, runAll, clock } = bench();
      const all = [send(1, 1, { start: true, timeoutUs: 10 }), send(1, 1, { timeoutUs: 10 })];
      clock.advance(1000 * US);
      runAll();
      assert.deepEqual(all.flatMap(outputsOf), [1, 2]);
    });

    test('cancelling one request cancels all that wait in its sequence, and ends it', () => {
      const { send, runAll, clock, statistics } = bench();
      const all = [send(1, 1, { start: true }), send(1, 2), send(1, 3)];
      const other = send(2, 4, { start: true });
      clock.advance(0);
      all[2]?.request.cancel();
      assert.deepEqual(all.map(codes), [[], ['CANCELLED'], ['CANCELLED']]);
      runAll();
      assert.deepEqual(
        [all[0], other].flatMap((each) => each && outputsOf(each)),
        [1, 4],
      );
      assert.throws(() => send(1, 4), { message: /START flag/ });
      assert.deepEqual(statistics.failures, ['CANCELED', 'CANCELED']);
    });

    test('cancelling the request that executes tells the model, and cancels those behind it', () => {
      const { send, clock, runner } = bench();
      const all = [send(1, 1, { start: true }), send(1, 2)];
      clock.advance(0);
      all[0]?.request.cancel();
      assert.equal(runner.batches[0]?.requests[0]?.isCancelled, true);
      assert.deepEqual(all.map(codes), [[], ['CANCELLED']]);
    });

    test('cancelling in the backlog takes the sequence out of it', () => {
      const { send, runAll } = bench();
      send(1, 1, { start: true, end: true });
      send(2, 1, { start: true });
      const all = [send(3, 1, { start: true }), send(3, 2)];
      all[0]?.request.cancel();
      runAll();
      assert.deepEqual(all.flatMap(codes), ['CANCELLED', 'CANCELLED']);
    });

    test('a step that fails leaves the state as it was, and the sequence goes on', () => {
      const failing = new InferenceServerError('INTERNAL', 'on purpose');
      const { send, runAll } = bench({
        answer: (step: InferenceRequest) =>
          valueOf(step.inputs, 'INPUT') === 2 ? step.fail(failing) : answerWithSum(step),
      });
      const all = [send(7, 1, { start: true }), send(7, 2), send(7, 3, { end: true })];
      runAll();
      assert.deepEqual(all.flatMap(outputsOf), [1, undefined, 4]);
      assert.deepEqual(all.flatMap(codes), [undefined, 'INTERNAL', undefined]);
    });

    test('an answer without its state output is an error that names it', () => {
      const { send, runAll } = bench({
        answer: (step: InferenceRequest) =>
          step.respond({ outputs: [int32('OUTPUT', 1)], parameters: undefined, error: undefined }, true),
      });
      const one = send(7, 1, { start: true, end: true });
      runAll();
      assert.match(one.errors().join(), /model 'seq' answered without its state output 'OUT_STATE'/);
    });

    test('goes on with live sequences and refuses new ones while it ends', async () => {
      const { send, runAll, scheduler } = bench();
      send(1, 1, { start: true });
      runAll();
      let isOver = false;
      const over = scheduler.sequences?.refuseStarts().then(() => (isOver = true));
      assert.throws(() => send(2, 1, { start: true }), { code: 'UNAVAILABLE', message: /shutting down/ });
      const last = send(1, 2, { end: true });
      await Promise.resolve();
      assert.equal(isOver, false);
      runAll();
      await over;
      assert.deepEqual(outputsOf(last), [3]);
    });

    test('is drained when the last sequence has ended or was idle for too long', async () => {
      const { send, runAll, scheduler, clock } = bench();
      send(1, 1, { start: true });
      runAll();
      assert.equal(scheduler.inFlightCount, 1);
      assert.equal(scheduler.sequences?.has(1), true);
      const drained = scheduler.drain();
      clock.advance(1000 * US);
      await drained;
      assert.equal(scheduler.inFlightCount, 0);
      assert.equal(scheduler.sequences?.has(1), false);
    });

    test('close fails what waits and leaves no timer', () => {
      const { send, scheduler, clock, statistics } = bench();
      const all = [1, 2, 3].map((id) => send(id, 1, { start: true, timeoutUs: 900 }));
      clock.advance(0);
      scheduler.close();
      assert.deepEqual(all.map(codes), [[], [], ['UNAVAILABLE']]);
      assert.equal(clock.pending, 0);
      assert.equal(statistics.pending, 0);
    });
  });
}
