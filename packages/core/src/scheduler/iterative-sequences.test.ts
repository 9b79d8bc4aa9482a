/** What becomes of requests that their model gives back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createSequenceBench,
  int32,
  outputsOf,
  sequenceConfig,
  valueOf,
  type SequenceBench,
} from '../../test/sequence-bench.ts';
import type { InferenceRequest } from '../request/inference-request.ts';

/** Counts INPUT up in the state until it is 3. */
function countToThree(step: InferenceRequest): void {
  const isFirst = valueOf(step.inputs, 'START') === 1;
  const count = (isFirst ? 0 : (valueOf(step.inputs, 'IN_STATE') ?? NaN)) + 1;
  const state = int32('OUT_STATE', count);
  if (count < 3) step.reschedule([state]);
  else
    step.respond({ outputs: [int32('OUTPUT', count), state], parameters: undefined, error: undefined }, true);
}

function bench(batching = {}): SequenceBench {
  const oldest = { max_candidate_sequences: 2, preserve_ordering: true };
  const config = sequenceConfig({ iterative_sequence: true, oldest, ...batching });
  return createSequenceBench(config, { answer: countToThree });
}

for (const [strategy, batching] of Object.entries({
  oldest: {},
  direct: { oldest: undefined, direct: {} },
})) {
  describe(`iterative sequences, strategy ${strategy}`, () => {
    test('START is set in the first step alone, and the state goes on', () => {
      const { send, runAll, runner } = bench(batching);
      const one = send(7, 0, { start: true });
      runAll();
      const seen = runner.batches.map(({ requests: [step] }) =>
        ['START', 'END', 'IN_STATE'].map((name) => valueOf(step?.inputs ?? [], name)),
      );
      assert.deepEqual(seen, [
        [1, 0, 0],
        [0, 0, 1],
        [0, 0, 2],
      ]);
      assert.deepEqual(outputsOf(one), [3]);
    });

    test('a request without an id begins and ends a sequence of its own', () => {
      const { send, runAll, runner, scheduler } = bench(batching);
      const both = [send(0, 0), send('', 0)];
      runAll();
      assert.deepEqual(both.flatMap(outputsOf), [3, 3]);
      const ids = new Set(
        runner.batches.flatMap(({ requests }) => requests.map((r) => String(r.sequence?.id))),
      );
      assert.equal(ids.size, 2);
      assert.equal(scheduler.inFlightCount, 0);
    });

    test('nothing tells the model of a request without an id that a step is its last', () => {
      const { send, runAll, runner } = bench(batching);
      send(0, 0);
      runAll();
      const seen = runner.batches.map(({ requests: [step] }) => [
        valueOf(step?.inputs ?? [], 'START'),
        valueOf(step?.inputs ?? [], 'END'),
        step?.sequence?.end,
      ]);
      assert.deepEqual(seen, [
        [1, 0, false],
        [0, 0, false],
        [0, 0, false],
      ]);
    });

    test('a sequence is over with its request, whose client need not say so', () => {
      const { send, runAll, scheduler } = bench(batching);
      for (const id of [1, 2, 3]) {
        send(id, 0, { start: true });
        runAll();
      }
      assert.equal(scheduler.inFlightCount, 0);
      assert.throws(() => send(1, 0), { message: /must specify the START flag/ });
    });

    test('others join between the steps, and waiting sequences follow those that end', () => {
      const { send, clock, runner, runAll, rows } = bench(batching);
      send(1, 0, { start: true, end: true });
      clock.advance(0);
      send(2, 0, { start: true, end: true });
      const third = send(3, 0, { start: true, end: true });
      runner.finish(0);
      runAll();
      assert.deepEqual(
        rows().map((row) =>
          row
            .replaceAll(/:\d|- /g, '')
            .split(' ')
            .sort()
            .join(''),
        ),
        ['1', '12', '12', '23', '3', '3'],
      );
      assert.deepEqual(outputsOf(third), [3]);
    });

    test('a request that is cancelled while it executes is not executed again', () => {
      const { send, clock, runner, runAll, statistics, scheduler } = bench(batching);
      const one = send(1, 0, { start: true, end: true });
      clock.advance(0);
      one.request.cancel();
      runner.finish(0);
      runAll();
      assert.equal(runner.batches.length, 1);
      assert.deepEqual(
        one.responses.map((response) => response?.error?.code),
        ['CANCELLED'],
      );
      assert.deepEqual(statistics.failures, ['CANCELED']);
      assert.equal(scheduler.inFlightCount, 0);
    });
  });
}
