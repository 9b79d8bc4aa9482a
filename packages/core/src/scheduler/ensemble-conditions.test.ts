/** Beyond Triton: conditions of steps, defaults of tensors, the early end. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DECOUPLED,
  ensemble,
  FakeEnsemble,
  model,
  parameter,
  step,
  valuesOf,
} from '../../test/fake-ensemble.ts';

const MODELS = [
  model('small', ['X'], ['Y', 'SCORE']),
  model('large', ['X'], ['Y']),
  model('repeat', ['X'], ['Y'], DECOUPLED),
];
const SMALL = step('small', { X: 'IN' }, { Y: 'quick', SCORE: 'score' });
const LARGE = step('large', { X: 'IN' }, { Y: 'OUT' });
const cascade = (...parameters: readonly string[]): FakeEnsemble =>
  new FakeEnsemble(ensemble(['IN'], ['OUT'], [SMALL, LARGE], parameters.join('')), MODELS);

describe('a step with a condition', () => {
  const WHEN = parameter('step.1.when', 'score < 0.5');

  test('runs when the condition holds', () => {
    const bench = cascade(WHEN, parameter('tensor.OUT.default', 'quick'));
    const recorded = bench.request({ IN: 1 });
    assert.equal(bench.running('large').length, 0);
    bench.only('small').finish({ Y: 7, SCORE: 0.2 });
    bench.only('large').finish({ Y: 9 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 9 }]);
  });

  test('is skipped when it does not, and another tensor stands in for its output', () => {
    const bench = cascade(WHEN, parameter('tensor.OUT.default', 'quick'));
    const recorded = bench.request({ IN: 1 });
    bench.only('small').finish({ Y: 7, SCORE: 0.8 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 7 }]);
    assert.equal(bench.steps.length, 1);
  });

  test('leaves a declared constant behind when it is skipped, one for each row', () => {
    const bench = cascade(WHEN, parameter('tensor.OUT.default', '[0.25]'), parameter('unrelated', 'x'));
    const recorded = bench.request({ IN: 1 });
    bench.only('small').finish({ SCORE: 1 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 0.25 }]);
  });

  test('leaves its output out of the answer without a default', () => {
    const both = ensemble(['IN'], ['OUT', 'quick'], [SMALL, LARGE], WHEN);
    const bench = new FakeEnsemble(both, MODELS);
    const recorded = bench.request({ IN: 1 });
    bench.only('small').finish({ Y: 7, SCORE: 1 });
    assert.deepEqual(valuesOf(recorded), [{ quick: 7 }]);
  });

  test('takes the steps that need its outputs along', () => {
    const config = ensemble(
      ['IN'],
      ['OUT', 'quick'],
      [SMALL, step('large', { X: 'IN' }, { Y: 'mid' }), step('last', { X: 'mid' }, { Y: 'OUT' })],
      WHEN,
    );
    const bench = new FakeEnsemble(config, [...MODELS, model('last', ['X'], ['Y'])]);
    const recorded = bench.request({ IN: 1 });
    bench.only('small').finish({ Y: 7, SCORE: 1 });
    assert.deepEqual(valuesOf(recorded), [{ quick: 7 }]);
  });

  test('leaves an optional input of a later step out', () => {
    const join = model(
      'join',
      ['L'],
      ['S'],
      'input { name: "R" data_type: TYPE_FP32 dims: 1 optional: true }',
    );
    const config = ensemble(
      ['IN'],
      ['OUT'],
      [SMALL, step('large', { X: 'IN' }, { Y: 'mid' }), step('join', { L: 'quick', R: 'mid' }, { S: 'OUT' })],
      WHEN,
    );
    const bench = new FakeEnsemble(config, [...MODELS, join]);
    bench.request({ IN: 1 });
    bench.only('small').finish({ Y: 7, SCORE: 1 });
    assert.deepEqual(
      bench.only('join').message.inputs.map(({ name }) => name),
      ['L'],
    );
  });

  test('is about parameters of the request, too', () => {
    const bench = cascade(parameter('step.1.when', 'param("quality") == "best" && has(quick)'));
    const recorded = bench.request({ IN: 1 }, { parameters: { quality: 'fast' } });
    bench.only('small').finish({ Y: 1, SCORE: 1 });
    assert.deepEqual(valuesOf(recorded), [{}]);
    bench.request({ IN: 1 }, { parameters: { quality: 'best' } });
    bench.only('small').finish({ Y: 1, SCORE: 1 });
    assert.equal(bench.running('large').length, 1);
  });

  test('fails the request when it takes several values for one', () => {
    const two = MODELS.map((text) => text.replaceAll('dims: 1', 'dims: -1'));
    const config = ensemble(['IN'], ['OUT'], [SMALL, LARGE], WHEN).replaceAll('dims: 1', 'dims: -1');
    const bench = new FakeEnsemble(config, two);
    const recorded = bench.request({ IN: 1 });
    bench.only('small').finishWith('SCORE', [1, 2]);
    assert.match(
      recorded.errors().join(),
      /in ensemble 'ens', condition of step 1: tensor 'score' has 2 elements/,
    );
  });
});

describe('an early end', () => {
  const END = parameter('end.when', 'score > 0.5');
  const DEFAULT = parameter('tensor.OUT.default', 'quick');

  test('answers with what is there, without defaults for what it ends, and stops what runs', () => {
    const bench = cascade(END, DEFAULT);
    const recorded = bench.request({ IN: 1 });
    assert.equal(bench.running().length, 2);
    bench.only('small').finish({ Y: 7, SCORE: 0.9 });
    assert.deepEqual(valuesOf(recorded), [{}]);
    assert.equal(bench.only('large').isCancelled, true);
    bench.only('large').finish({ Y: 1 });
    assert.equal(recorded.responses.length, 1);
    assert.deepEqual(bench.counts, { successes: 1, failures: [] });
  });

  test('starts nothing more, not even what could run without the skipped', () => {
    const join = model('join', [], ['S'], 'input { name: "R" data_type: TYPE_FP32 dims: 1 optional: true }');
    const config = ensemble(
      ['IN'],
      ['OUT'],
      [SMALL, step('large', { X: 'IN' }, { Y: 'mid' }), step('join', { R: 'mid' }, { S: 'OUT' })],
      END + DEFAULT,
    );
    const bench = new FakeEnsemble(config, [...MODELS, join]);
    const recorded = bench.request({ IN: 1 });
    bench.only('small').finish({ Y: 7, SCORE: 0.9 });
    assert.deepEqual(valuesOf(recorded), [{}]);
    assert.equal(bench.running('join').length, 0);
  });

  test('does nothing while its condition does not hold', () => {
    const bench = cascade(END, DEFAULT);
    const recorded = bench.request({ IN: 1 });
    bench.only('small').finish({ Y: 7, SCORE: 0.1 });
    bench.only('large').finish({ Y: 9 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 9 }]);
  });

  test('stops a decoupled step; the passes before are answered, those after are not', () => {
    const config = ensemble(
      ['IN'],
      ['OUT'],
      [step('repeat', { X: 'IN' }, { Y: 'm' }), step('large', { X: 'm' }, { Y: 'OUT' })],
      parameter('end.when', 'm == 2') + parameter('tensor.OUT.default', 'm'),
    );
    const bench = new FakeEnsemble(config, MODELS);
    const recorded = bench.request({ IN: 1 });
    const repeat = bench.only('repeat');
    for (const value of [1, 2, 3]) repeat.send({ Y: value });
    assert.equal(repeat.isCancelled, true);
    assert.deepEqual(
      bench.steps.filter((s) => s.model === 'large').map((s) => s.input('X')),
      [1, 2],
    );
    assert.deepEqual(valuesOf(recorded), []);
    bench.running('large')[0]?.finish({ Y: 10 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 10 }, undefined]);
  });
});

describe('a decoupled step', () => {
  test('what an answered pass left undecided holds up no later pass', () => {
    const config = ensemble(
      ['IN'],
      ['OUT'],
      [
        step('repeat', { X: 'IN' }, { Y: 'm' }),
        step('large', { X: 'm' }, { Y: 'OUT' }),
        step('slow', { X: 'IN' }, { Y: 'k' }),
        step('join', { L: 'm', R: 'k' }, { S: 'other' }),
      ],
      parameter('step.1.when', 'm != 2') + parameter('tensor.OUT.default', 'other'),
    );
    const more = [model('slow', ['X'], ['Y']), model('join', ['L', 'R'], ['S'])];
    const bench = new FakeEnsemble(config, [...MODELS, ...more]);
    const recorded = bench.request({ IN: 1 });
    for (const value of [1, 2]) bench.only('repeat').send({ Y: value });
    bench.only('repeat').complete();
    bench.only('large').finish({ Y: 10 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 10 }]);
    bench.only('slow').finish({ Y: 5 });
    bench.only('join').finish({ S: 20 });
    assert.deepEqual(valuesOf(recorded), [{ OUT: 10 }, { OUT: 20 }, undefined]);
  });

  test('that is skipped gives one pass, so that the default is answered', () => {
    const config = ensemble(
      ['IN'],
      ['OUT'],
      [step('repeat', { X: 'IN' }, { Y: 'OUT' })],
      parameter('step.0.when', 'IN > 5') + parameter('tensor.OUT.default', '-1'),
    );
    const bench = new FakeEnsemble(config, MODELS);
    assert.deepEqual(valuesOf(bench.request({ IN: 1 })), [{ OUT: -1 }, undefined]);
    assert.equal(bench.running().length, 0);
  });

  test('may leave outputs out of a response: what needs them is skipped in that pass', () => {
    const config = ensemble(
      ['IN'],
      ['OUT'],
      [step('repeat', { X: 'IN' }, { Y: 'm' }), step('large', { X: 'm' }, { Y: 'OUT' })],
    );
    const bench = new FakeEnsemble(config, MODELS);
    const recorded = bench.request({ IN: 1 });
    bench.only('repeat').send({});
    bench.only('repeat').complete();
    assert.deepEqual(valuesOf(recorded), [undefined]);
  });
});

describe('at load', () => {
  const refuses = (name: string, parameters: readonly string[], message: RegExp): void => {
    test(`refuses ${name}`, () =>
      assert.throws(() => cascade(...parameters), { code: 'INVALID_ARG', message }));
  };
  refuses(
    'to compare a number with a text',
    [parameter('step.1.when', 'score == "high"')],
    /parameter 'step\.1\.when', at character 7: '==' can't compare a number with a text/,
  );
  refuses('a text as condition', [parameter('step.1.when', '"high"')], /is a text, expected a condition/);
  refuses(
    'a default of another shape',
    [parameter('tensor.OUT.default', '[1, 2]')],
    /default of tensor 'OUT': expected a list of shape \[1\], found \[2\]/,
  );
  refuses(
    'a default of another type',
    [parameter('tensor.OUT.default', '["x"]')],
    /default of tensor 'OUT': expected TYPE_FP32 \[1\]/,
  );
});
