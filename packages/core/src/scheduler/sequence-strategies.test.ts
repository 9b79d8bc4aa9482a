/** What differs between the strategies: rows and instances, and when a batch runs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildRequest } from '../../test/build-request.ts';
import { createSequenceBench, outputsOf, sequenceConfig, valueOf } from '../../test/sequence-bench.ts';

const US = 1000;

describe('strategy direct', () => {
  test('a sequence is in its own row in every batch, with zeros and READY=false before it', () => {
    const bench = createSequenceBench(sequenceConfig({ direct: {} }));
    const { send, runAll, rows, runner } = bench;
    send(1, 1, { start: true });
    send(2, 5, { start: true });
    runAll();
    const second = send(2, 6);
    runAll();
    send(1, 2);
    runAll();
    assert.deepEqual(rows(), ['1:1 2:5', '- 2:6', '1:2']);
    assert.deepEqual(outputsOf(second), [11]);
    const padding = runner.batches[1]?.requests[0]?.inputs ?? [];
    const names = ['INPUT', 'READY', 'START', 'CORRID', 'IN_STATE'];
    assert.deepEqual(
      names.map((name) => valueOf(padding, name)),
      [0, 0, 0, 0, 0],
    );
  });

  test('a step that waits runs with those that the answers to a batch bring', () => {
    const { send, runAll, rows, runner, clock } = createSequenceBench(sequenceConfig({ direct: {} }));
    runner.freesFirst = true;
    send(1, 1, { start: true });
    clock.advance(0);
    send(1, 2);
    send(2, 5, { start: true });
    runAll();
    assert.deepEqual(rows(), ['1:1', '1:2 2:5']);
  });

  test('a batch that no other step can join runs at once', () => {
    const { send, rows } = createSequenceBench(sequenceConfig({ direct: {} }));
    send(1, 1, { start: true });
    assert.deepEqual(rows(), []);
    send(2, 5, { start: true });
    assert.deepEqual(rows(), ['1:1 2:5']);
  });

  test('a long backlog of a model that answers at once makes no deep stack', () => {
    const steps = 20_000;
    const config = sequenceConfig({ direct: {} }, { max_batch_size: 0 });
    const { send, runAll, rows, runner } = createSequenceBench(config);
    const sent = Array.from({ length: steps }, (_, at) => send(1, 1, { start: at === 0 }));
    runner.freesFirst = true;
    runner.answersAtOnce = true;
    runner.finish(0);
    runAll();
    assert.equal(rows().length, steps);
    assert.deepEqual(sent.slice(-1).flatMap(outputsOf), [steps]);
  });

  test('padding does not count', () => {
    const { send, runAll, runner } = createSequenceBench(sequenceConfig({ direct: {} }));
    send(1, 1, { start: true });
    runAll();
    send(2, 5, { start: true });
    runAll();
    assert.deepEqual(
      runner.batches.map(({ requests, size }) => [requests.length, size]),
      [
        [1, 1],
        [2, 1],
      ],
    );
  });

  test('slots are max_batch_size times the instances, and a sequence stays on its instance', () => {
    const { send, runAll, runner, rows } = createSequenceBench(sequenceConfig({ direct: {} }), {
      instances: 2,
    });
    for (const id of [1, 2, 3, 4]) send(id, id, { start: true });
    const fifth = send(5, 5, { start: true });
    runAll();
    for (const id of [4, 3, 2, 1]) send(id, 10 * id);
    runAll();
    const ran = rows().map((row, at) => `${String(runner.instances[at])}: ${row}`);
    assert.deepEqual(ran.sort(), ['0: 1:10 3:30', '0: 1:1 3:3', '1: 2:20 4:40', '1: 2:2 4:4'].sort());
    assert.deepEqual(fifth.responses, []);
  });

  test('waits for the utilization that is asked for, but not longer than the delay', () => {
    const direct = { minimum_slot_utilization: 1, max_queue_delay_microseconds: 100 };
    const { send, clock, runAll, rows } = createSequenceBench(sequenceConfig({ direct }));
    send(1, 1, { start: true });
    clock.advance(99 * US);
    assert.deepEqual(rows(), []);
    clock.advance(1 * US);
    assert.deepEqual(rows(), ['1:1']);
    runAll();
    send(1, 2);
    send(2, 2, { start: true });
    clock.advance(0);
    assert.deepEqual(rows().slice(1), ['1:2 2:2']);
  });

  test('a delay without a utilization is none', () => {
    const direct = { max_queue_delay_microseconds: 100 };
    const { send, clock, rows } = createSequenceBench(sequenceConfig({ direct }));
    send(1, 1, { start: true });
    clock.advance(0);
    assert.deepEqual(rows(), ['1:1']);
  });

  for (const size of [0, 1]) {
    test(`max_batch_size ${size} gives one slot to each instance`, () => {
      const config = sequenceConfig({ direct: {} }, { max_batch_size: size });
      const { send, runAll, rows, runner } = createSequenceBench(config);
      send(1, 1, { start: true });
      send(2, 2, { start: true, end: true });
      runAll();
      assert.deepEqual(rows(), ['1:1']);
      send(1, 3, { end: true });
      runAll();
      assert.deepEqual(rows(), ['1:1', '1:3', '2:2']);
      const start = runner.batches[0]?.requests[0]?.inputs.find(({ name }) => name === 'START');
      assert.deepEqual(start?.shape, size === 0 ? [1] : [1, 1]);
    });
  }

  test('steps whose shapes differ run one after the other, each in its row', () => {
    const config = sequenceConfig(
      { direct: {}, state: [], control_input: [] },
      {
        input: [{ name: 'INPUT', data_type: 'TYPE_INT32', dims: [-1] }],
      },
    );
    const { scheduler, clock, runAll, runner } = createSequenceBench(config);
    const wide = { name: 'INPUT', datatype: 'INT32' as const, shape: [1, 2], data: new Uint8Array(8) };
    for (const [id, inputs] of [
      [1, [{ ...wide, shape: [1, 1], data: new Uint8Array(4) }]],
      [2, [wide]],
    ] as const) {
      const { request } = buildRequest({ inputs, sequence: { id, start: true, end: true } });
      scheduler.enqueue(request);
      clock.advance(0);
    }
    runAll();
    assert.deepEqual(
      runner.batches.map(({ requests }) => requests.map(({ isPadding }) => isPadding)),
      [[false], [true, false]],
    );
  });
});

describe('strategy oldest', () => {
  const config = (oldest = {}) =>
    sequenceConfig({ oldest: { max_candidate_sequences: 3, ...oldest } }, { max_batch_size: 4 });

  test('takes as many sequences as there are candidates, on each instance', () => {
    const { send, clock, rows } = createSequenceBench(config(), { instances: 2 });
    for (const id of [1, 2, 3, 4, 5, 6, 7]) send(id, id, { start: true });
    clock.advance(0);
    assert.deepEqual(rows(), ['1:1 3:3 5:5', '2:2 4:4 6:6']);
  });

  test('a sequence stays on its instance even while another one is free', () => {
    const { send, runAll, runner, clock } = createSequenceBench(config(), { instances: 2 });
    send(1, 1, { start: true });
    runAll();
    send(3, 1, { start: true });
    send(5, 1, { start: true });
    clock.advance(0);
    send(1, 2);
    runAll();
    const instanceOf = new Map<unknown, Set<number | undefined>>();
    runner.batches.forEach(({ requests }, at) => {
      for (const { sequence } of requests)
        instanceOf.set(sequence?.id, (instanceOf.get(sequence?.id) ?? new Set()).add(runner.instances[at]));
    });
    assert.deepEqual(
      [...instanceOf.values()].map(({ size }) => size),
      [1, 1, 1],
    );
  });

  test('waits for a preferred size, but not longer than the delay', () => {
    const { send, clock, rows } = createSequenceBench(
      config({ preferred_batch_size: [2], max_queue_delay_microseconds: 100 }),
    );
    send(1, 1, { start: true });
    send(2, 2, { start: true });
    send(3, 3, { start: true });
    clock.advance(0);
    assert.deepEqual(rows(), ['1:1 2:2']);
  });

  test('a lone step runs when its delay is over', () => {
    const { send, clock, rows } = createSequenceBench(
      config({ preferred_batch_size: [2], max_queue_delay_microseconds: 100 }),
    );
    send(1, 1, { start: true });
    clock.advance(100 * US - 1);
    assert.deepEqual(rows(), []);
    clock.advance(1);
    assert.deepEqual(rows(), ['1:1']);
  });

  for (const isKept of [true, false]) {
    test(`answers ${isKept ? 'leave in the order of the requests with' : 'overtake each other without'} preserve_ordering`, () => {
      const { send, clock, runner } = createSequenceBench(config({ preserve_ordering: isKept }), {
        instances: 2,
      });
      const slow = send(1, 1, { start: true });
      const quick = send(2, 2, { start: true });
      clock.advance(0);
      runner.finish(1);
      assert.deepEqual(outputsOf(quick), isKept ? [] : [2]);
      runner.finish(0);
      assert.deepEqual([slow, quick].flatMap(outputsOf), [1, 2]);
    });
  }
});
