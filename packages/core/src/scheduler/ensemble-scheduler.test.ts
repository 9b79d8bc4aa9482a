import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InferenceServerError } from '@nereid/protocol';
import { DECOUPLED, ensemble, FakeEnsemble, model, step, valuesOf } from '../../test/fake-ensemble.ts';

const A = model('a', ['X'], ['Y']);
const B = model('b', ['X'], ['Y']);
const SUM = model('sum', ['L', 'R'], ['S']);
const REPEAT = model('repeat', ['X'], ['Y'], DECOUPLED);

const CHAIN = ensemble(
  ['IN'],
  ['OUT'],
  [step('a', { X: 'IN' }, { Y: 'm' }), step('b', { X: 'm' }, { Y: 'OUT' })],
);
const DIAMOND = ensemble(
  ['IN'],
  ['OUT'],
  [
    step('a', { X: 'IN' }, { Y: 'l' }),
    step('b', { X: 'IN' }, { Y: 'r' }),
    step('sum', { L: 'l', R: 'r' }, { S: 'OUT' }),
  ],
);
const DECOUPLED_CHAIN = ensemble(
  ['IN'],
  ['OUT'],
  [step('repeat', { X: 'IN' }, { Y: 'm' }), step('a', { X: 'm' }, { Y: 'OUT' })],
);

describe('an ensemble', () => {
  test('runs a step when its input is there, and answers once', () => {
    const bench = new FakeEnsemble(CHAIN, [A, B]);
    const recorded = bench.request({ IN: 1 });
    assert.deepEqual(
      bench.steps.map((s) => s.model),
      ['a'],
    );
    bench.only('a').finish({ Y: 2 });
    assert.equal(bench.only('b').input('X'), 2);
    bench.only('b').finish({ Y: 3 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 3 }]);
    assert.equal(bench.counts.successes, 1);
    assert.equal(bench.scheduler.inFlightCount, 0);
  });

  test('runs branches side by side', () => {
    const bench = new FakeEnsemble(DIAMOND, [A, B, SUM]);
    const recorded = bench.request({ IN: 1 });
    assert.equal(bench.running().length, 2);
    bench.only('b').finish({ Y: 5 });
    assert.equal(bench.running('sum').length, 0);
    bench.only('a').finish({ Y: 4 });
    assert.deepEqual([bench.only('sum').input('L'), bench.only('sum').input('R')], [4, 5]);
    bench.only('sum').finish({ S: 9 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 9 }]);
  });

  test('runs only what the wanted outputs depend on', () => {
    const two = ensemble(
      ['IN'],
      ['P', 'Q'],
      [step('a', { X: 'IN' }, { Y: 'P' }), step('b', { X: 'IN' }, { Y: 'Q' })],
    );
    const bench = new FakeEnsemble(two, [A, B]);
    bench.request({ IN: 1 }, { requestedOutputs: [{ name: 'Q', classification: 0, binaryData: false }] });
    assert.deepEqual(
      bench.steps.map((s) => s.model),
      ['b'],
    );
  });

  test('a failed step fails the request with its code and stops the others', () => {
    const bench = new FakeEnsemble(DIAMOND, [A, B, SUM]);
    const recorded = bench.request({ IN: 1 });
    bench.only('a').fail(new InferenceServerError('NOT_FOUND', 'no such thing'));
    assert.deepEqual(recorded.errors(), ["in ensemble 'ens', no such thing"]);
    assert.equal(recorded.responses[0]?.error?.code, 'NOT_FOUND');
    assert.equal(bench.only('b').isCancelled, true);
    bench.only('b').finish({ Y: 1 });
    assert.equal(recorded.responses.length, 1);
    assert.deepEqual(bench.counts.failures, ['OTHER']);
  });

  test('a step that leaves an output out is told of', () => {
    const bench = new FakeEnsemble(CHAIN, [A, B]);
    const recorded = bench.request({ IN: 1 });
    bench.only('a').finish({});
    assert.match(
      recorded.errors().join(),
      /unexpected deadlock, .* no more ensemble steps can be made: 'OUT', since step 0 \(model 'a'\) left its output '.+' out$/,
    );
  });

  test('a cancelled request ends at once, and so do its steps', () => {
    const bench = new FakeEnsemble(DIAMOND, [A, B, SUM]);
    const recorded = bench.request({ IN: 1 });
    recorded.request.cancel();
    assert.equal(recorded.responses[0]?.error?.code, 'CANCELLED');
    assert.deepEqual(
      bench.steps.map((s) => s.isCancelled),
      [true, true],
    );
    assert.deepEqual(bench.counts.failures, ['CANCELED']);
    for (const running of bench.running()) running.finish({ Y: 1 });
    assert.equal(bench.running('sum').length, 0);
  });

  test('steps get what is left of the timeout', () => {
    const bench = new FakeEnsemble(CHAIN, [A, B]);
    bench.request({ IN: 1 }, { timeoutUs: 1000 });
    assert.equal(bench.only('a').message.timeoutUs, 1000);
    bench.clock.advance(400_000);
    bench.only('a').finish({ Y: 1 });
    assert.equal(bench.only('b').message.timeoutUs, 600);
  });

  test('a step after the timeout gets the least there is, not no timeout', () => {
    const bench = new FakeEnsemble(CHAIN, [A, B]);
    bench.request({ IN: 1 }, { timeoutUs: 100 });
    bench.clock.advance(400_000);
    bench.only('a').finish({ Y: 1 });
    assert.equal(bench.only('b').message.timeoutUs, 1);
  });

  test('an optional input that was left out is left out of the step', () => {
    const optional = model(
      'opt',
      ['X'],
      ['Y'],
      'input { name: "Z" data_type: TYPE_FP32 dims: 1 optional: true }',
    );
    const config = ensemble(
      ['IN'],
      ['OUT'],
      [step('opt', { X: 'IN', Z: 'EXTRA' }, { Y: 'OUT' })],
      'input { name: "EXTRA" data_type: TYPE_FP32 dims: 1 optional: true }',
    );
    const bench = new FakeEnsemble(config, [optional]);
    bench.request({ IN: 1 });
    assert.deepEqual(
      bench.only('opt').message.inputs.map(({ name }) => name),
      ['X'],
    );
    bench.request({ IN: 1, EXTRA: 2 });
    assert.equal(bench.steps[1]?.input('Z'), 2);
  });

  test('an error thrown by a step that was refused is the answer', () => {
    const bench = new FakeEnsemble(CHAIN, [A, B]);
    bench.onStart = () => {
      throw new InferenceServerError('UNAVAILABLE', 'queue is full');
    };
    const recorded = bench.request({ IN: 1 });
    assert.deepEqual(recorded.errors(), ["in ensemble 'ens', queue is full"]);
  });
});

describe('an ensemble with a decoupled step', () => {
  test('runs the later steps for each response, and ends with a final flag', () => {
    const bench = new FakeEnsemble(DECOUPLED_CHAIN, [REPEAT, A]);
    assert.equal(bench.decoupled, true);
    const recorded = bench.request({ IN: 1 });
    const repeat = bench.only('repeat');
    repeat.send({ Y: 10 });
    bench.only('a').finish({ Y: 11 });
    repeat.send({ Y: 20 });
    repeat.complete();
    assert.deepEqual(valuesOf(recorded), [{ OUT: 11 }]);
    bench.only('a').finish({ Y: 21 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 11 }, { OUT: 21 }, undefined]);
    assert.equal(bench.counts.successes, 1);
  });

  test('answers in the order of the responses, whichever pass is ready first', () => {
    const bench = new FakeEnsemble(DECOUPLED_CHAIN, [REPEAT, A]);
    const recorded = bench.request({ IN: 1 });
    for (const value of [1, 2, 3]) bench.only('repeat').send({ Y: value });
    bench.only('repeat').complete();
    const passes = bench.running('a');
    for (const at of [2, 1]) passes[at]?.finish({ Y: at });
    assert.deepEqual(valuesOf(recorded), []);
    passes[0]?.finish({ Y: 0 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 0 }, { OUT: 1 }, { OUT: 2 }, undefined]);
  });

  test('starts a step of a later pass not before that of an earlier one', () => {
    const long = ensemble(
      ['IN'],
      ['OUT'],
      [
        step('repeat', { X: 'IN' }, { Y: 'm' }),
        step('a', { X: 'm' }, { Y: 'n' }),
        step('b', { X: 'n' }, { Y: 'OUT' }),
      ],
    );
    const bench = new FakeEnsemble(long, [REPEAT, A, B]);
    bench.request({ IN: 1 });
    for (const value of [1, 2]) bench.only('repeat').send({ Y: value });
    bench.running('a')[1]?.finish({ Y: 2 });
    assert.equal(bench.running('b').length, 0);
    bench.running('a')[0]?.finish({ Y: 1 });
    assert.deepEqual(
      bench.running('b').map((s) => s.input('X')),
      [1, 2],
    );
  });

  test('a step sees tensors from before the decoupled step in every pass', () => {
    const config = ensemble(
      ['IN'],
      ['OUT'],
      [
        step('repeat', { X: 'IN' }, { Y: 'm' }),
        step('a', { X: 'IN' }, { Y: 'k' }),
        step('sum', { L: 'm', R: 'k' }, { S: 'OUT' }),
      ],
    );
    const bench = new FakeEnsemble(config, [REPEAT, A, SUM]);
    const recorded = bench.request({ IN: 1 });
    for (const value of [1, 2]) bench.only('repeat').send({ Y: value });
    assert.equal(bench.running('sum').length, 0);
    bench.only('a').finish({ Y: 100 });
    assert.deepEqual(
      bench.running('sum').map((s) => [s.input('L'), s.input('R')]),
      [
        [1, 100],
        [2, 100],
      ],
    );
    for (const running of bench.running('sum')) running.finish({ S: running.input('L') ?? 0 });
    bench.only('repeat').complete();
    assert.deepEqual(valuesOf(recorded), [{ OUT: 1 }, { OUT: 2 }, undefined]);
  });

  test('ends without responses when the step gives none', () => {
    const bench = new FakeEnsemble(DECOUPLED_CHAIN, [REPEAT, A]);
    const recorded = bench.request({ IN: 1 });
    bench.only('repeat').complete();
    assert.deepEqual(valuesOf(recorded), [undefined]);
  });

  test('decoupled steps after one another answer in the order of both', () => {
    const config = ensemble(
      ['IN'],
      ['OUT'],
      [step('repeat', { X: 'IN' }, { Y: 'm' }), step('again', { X: 'm' }, { Y: 'OUT' })],
    );
    const bench = new FakeEnsemble(config, [REPEAT, model('again', ['X'], ['Y'], DECOUPLED)]);
    const recorded = bench.request({ IN: 1 });
    for (const value of [1, 2]) bench.only('repeat').send({ Y: value });
    const [first, second] = bench.running('again');
    second?.send({ Y: 21 });
    second?.complete();
    first?.send({ Y: 11 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 11 }]);
    first?.finish({ Y: 12 });
    bench.only('repeat').complete();
    assert.deepEqual(valuesOf(recorded), [{ OUT: 11 }, { OUT: 12 }, { OUT: 21 }, undefined]);
  });

  test('a failing pass ends the request and the decoupled step', () => {
    const bench = new FakeEnsemble(DECOUPLED_CHAIN, [REPEAT, A]);
    const recorded = bench.request({ IN: 1 });
    bench.only('repeat').send({ Y: 1 });
    bench.only('a').fail(new InferenceServerError('INTERNAL', 'broken'));
    assert.equal(bench.only('repeat').isCancelled, true);
    bench.only('repeat').send({ Y: 2 });
    assert.deepEqual(recorded.errors(), ["in ensemble 'ens', broken"]);
    assert.equal(bench.running('a').length, 0);
  });
});

describe('a decoupled step of an ensemble without max_inflight_requests', () => {
  const MOST = 16;

  test('is held back while many of its responses are under way, and goes on when one is answered', () => {
    const bench = new FakeEnsemble(DECOUPLED_CHAIN, [REPEAT, A]);
    const recorded = bench.request({ IN: 1 });
    const repeat = bench.only('repeat');
    for (let value = 1; value < MOST; value += 1) repeat.send({ Y: value });
    assert.equal(repeat.isPaused, false);
    repeat.send({ Y: MOST });
    assert.equal(repeat.isPaused, true);
    // Not the first in order: nothing can be answered yet.
    bench.running('a').at(-1)?.finish({ Y: MOST });
    assert.equal(repeat.isPaused, true);
    bench.running('a')[0]?.finish({ Y: 1 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 1 }]);
    assert.equal(repeat.isPaused, false);
  });

  test('stays held while the client is behind, too', () => {
    const bench = new FakeEnsemble(DECOUPLED_CHAIN, [REPEAT, A]);
    const { request } = bench.request({ IN: 1 });
    const repeat = bench.only('repeat');
    for (let value = 1; value <= MOST; value += 1) repeat.send({ Y: value });
    request.pause(true);
    bench.running('a')[0]?.finish({ Y: 1 });
    assert.equal(repeat.isPaused, true);
    request.pause(false);
    assert.equal(repeat.isPaused, false);
  });

  test('is not held back when a later step needs the same model, which may have one instance', () => {
    const twice = ensemble(
      ['IN'],
      ['OUT'],
      [step('repeat', { X: 'IN' }, { Y: 'm' }), step('repeat', { X: 'm' }, { Y: 'OUT' })],
    );
    const bench = new FakeEnsemble(twice, [REPEAT]);
    bench.request({ IN: 1 });
    const repeat = bench.only('repeat');
    for (let value = 1; value <= 2 * MOST; value += 1) repeat.send({ Y: value });
    assert.equal(repeat.isPaused, false);
  });
});

describe('max_inflight_requests', () => {
  const limited = (config: string, limit: number): string =>
    config.replace('ensemble_scheduling {', `ensemble_scheduling { max_inflight_requests: ${limit} `);

  test('limits the requests at a step over all requests of the ensemble', () => {
    const bench = new FakeEnsemble(limited(CHAIN, 2), [A, B]);
    for (const value of [1, 2, 3]) bench.request({ IN: value });
    assert.deepEqual(
      bench.running('a').map((s) => s.input('X')),
      [1, 2],
    );
    bench.running('a')[0]?.finish({ Y: 1 });
    assert.deepEqual(
      bench.running('a').map((s) => s.input('X')),
      [2, 3],
    );
  });

  test('holds a decoupled step back while what it made waits', () => {
    const bench = new FakeEnsemble(limited(DECOUPLED_CHAIN, 1), [REPEAT, A]);
    bench.request({ IN: 1 });
    const repeat = bench.only('repeat');
    repeat.send({ Y: 1 });
    assert.equal(repeat.isPaused, false);
    repeat.send({ Y: 2 });
    assert.equal(repeat.isPaused, true);
    bench.only('a').finish({ Y: 1 });
    assert.equal(repeat.isPaused, false);
    assert.equal(bench.only('a').input('X'), 2);
  });

  test('a cancelled request gives its place to the next one', () => {
    const bench = new FakeEnsemble(limited(CHAIN, 1), [A, B]);
    const [, waiting, next] = [1, 2, 3].map((value) => bench.request({ IN: value }));
    waiting?.request.cancel();
    assert.equal(waiting?.responses.length, 1);
    bench.only('a').finish({ Y: 1 });
    assert.equal(bench.only('a').input('X'), 3);
    assert.equal(next?.responses.length, 0);
  });
});
