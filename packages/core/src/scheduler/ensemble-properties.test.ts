/** Random graphs, random order of events: what must hold for every ensemble. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceServerError } from '@nereid/protocol';
import fc from 'fast-check';
import {
  DECOUPLED,
  ensemble,
  FakeEnsemble,
  model,
  parameter,
  step,
  valuesOf,
  type FakeStep,
} from '../../test/fake-ensemble.ts';
import { checkSchedules } from '../../test/check-schedules.ts';

/** A graph in which each step reads tensors that come before it. */
interface RandomGraph {
  readonly config: string;
  readonly models: readonly string[];
  /** Tensors that each step's inputs are, by model. */
  readonly reads: ReadonlyMap<string, readonly string[]>;
}

/** What a test does next: which of the running steps, and what becomes of it. */
interface RandomEvent {
  readonly which: number;
  readonly action: 'finish' | 'send' | 'lose' | 'fail' | 'cancel';
}

const stepShape = fc.record({
  reads: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
  condition: fc.option(fc.nat(), { freq: 4 }),
  stand: fc.option(fc.nat(), { freq: 4 }),
});

const graphs = fc
  .record({
    steps: fc.array(stepShape, { minLength: 1, maxLength: 7 }),
    decoupledAt: fc.option(fc.nat(6), { freq: 2 }),
    endAt: fc.option(fc.nat(), { freq: 4 }),
    limit: fc.constantFrom(0, 0, 1, 2),
  })
  .map(createGraph);

const events = fc.array(
  fc.record<RandomEvent>({
    which: fc.nat(),
    action: fc.constantFrom('finish', 'finish', 'finish', 'send', 'send', 'lose', 'fail', 'cancel'),
  }),
  { maxLength: 60 },
);

/** Every tensor that no step reads is an output, so nothing is dead. */
function createGraph(shape: {
  readonly steps: readonly {
    readonly reads: readonly number[];
    readonly condition: number | null;
    readonly stand: number | null;
  }[];
  readonly decoupledAt: number | null;
  readonly endAt: number | null;
  readonly limit: number;
}): RandomGraph {
  const tensors = ['IN'];
  const steps: string[] = [];
  const models: string[] = [];
  const parameters: string[] = [];
  const reads = new Map<string, readonly string[]>();
  const used = new Set<string>();
  // What a decoupled step makes anew can't stand in for what is made once.
  const standIn = (at: number): string => (shape.decoupledAt === null ? pick(at) : 'IN');
  const pick = (at: number): string => tensors[at % tensors.length] ?? 'IN';
  for (const [at, { reads: places, condition, stand }] of shape.steps.entries()) {
    // One decoupled step at most: others beside it could not be joined.
    const isDecoupled = at === shape.decoupledAt;
    const from = at === 0 ? ['IN'] : [...new Set(places.map(pick))];
    const inputs = Object.fromEntries(from.map((tensor, i) => [`I${i}`, tensor]));
    models.push(model(`m${at}`, Object.keys(inputs), ['O'], isDecoupled ? DECOUPLED : ''));
    steps.push(step(`m${at}`, inputs, { O: `t${at}` }));
    if (condition !== null && at > 0) parameters.push(parameter(`step.${at}.when`, `${pick(condition)} > 2`));
    if (stand !== null && at > 0 && !isDecoupled)
      parameters.push(parameter(`tensor.t${at}.default`, stand % 3 === 0 ? '5' : standIn(stand)));
    for (const tensor of from) used.add(tensor);
    reads.set(`m${at}`, from);
    tensors.push(`t${at}`);
  }
  if (shape.endAt !== null) parameters.push(parameter('end.when', `${pick(shape.endAt)} > 7`));
  const outputs = tensors.filter((tensor) => tensor !== 'IN' && !used.has(tensor));
  const text = ensemble(['IN'], outputs, steps, parameters.join(''));
  const limit = `ensemble_scheduling { max_inflight_requests: ${shape.limit} `;
  return { config: text.replace('ensemble_scheduling {', limit), models, reads };
}

/** Ends a step in one of the ways that models may. */
function play(bench: FakeEnsemble, chosen: FakeStep, action: RandomEvent['action'], value: number): void {
  const isDecoupled = bench.isDecoupledModel(chosen.model);
  if (action === 'fail') chosen.fail(new InferenceServerError('INTERNAL', `${chosen.model} broke`));
  else if (isDecoupled && action === 'send') chosen.send({ O: value });
  else if (isDecoupled) chosen.complete();
  else chosen.finish(action === 'lose' ? {} : { O: value });
}

test('no request is lost or answered twice, and no step runs before its inputs', () => {
  checkSchedules(
    fc.property(graphs, events, fc.integer({ min: 1, max: 4 }), (graph, script, requestCount) => {
      const bench = new FakeEnsemble(graph.config, graph.models);
      bench.onStart = (started) => {
        const expected = graph.reads.get(started.model) ?? [];
        assert.equal(started.message.inputs.length, expected.length, `${started.model} lacks inputs`);
      };
      const requests = Array.from({ length: requestCount }, (_, at) => bench.request({ IN: at + 1 }));
      for (const [at, { which, action }] of script.entries()) {
        const chosen = bench.running()[which % Math.max(1, bench.running().length)];
        if (action === 'cancel') requests[which % requestCount]?.request.cancel();
        else if (chosen !== undefined) play(bench, chosen, action, at % 10);
      }
      for (let left = bench.running(); left.length > 0; left = bench.running()) {
        for (const running of left) if (!running.isEnded) play(bench, running, 'finish', 1);
      }
      assert.ok(bench.steps.every(({ isEnded }) => isEnded));
      for (const { request, finals } of requests) {
        assert.equal(request.isEnded, true, 'lost');
        assert.equal(finals(), 1, 'final responses');
      }
      assert.equal(bench.scheduler.inFlightCount, 0);
      assert.equal(bench.counts.successes + bench.counts.failures.length, requestCount);
    }),
    2000,
  );
});

test('cancellation at any time ends the request at once and starts nothing more', () => {
  checkSchedules(
    fc.property(graphs, events, fc.nat(60), (graph, script, when) => {
      const bench = new FakeEnsemble(graph.config, graph.models);
      const recorded = bench.request({ IN: 1 });
      for (const [at, { which, action }] of script.slice(0, when).entries()) {
        const chosen = bench.running()[which % Math.max(1, bench.running().length)];
        if (chosen !== undefined && action !== 'cancel') play(bench, chosen, action, at % 10);
      }
      recorded.request.cancel();
      const begun = bench.steps.length;
      assert.equal(recorded.request.isEnded, true);
      assert.ok(bench.running().every((running) => running.isCancelled));
      for (const running of bench.running()) play(bench, running, 'finish', 1);
      assert.equal(bench.steps.length, begun);
    }),
    1000,
  );
});

test('answers of a decoupled step leave in its order, however the passes run', () => {
  const config = ensemble(
    ['IN'],
    ['OUT'],
    [
      step('repeat', { X: 'IN' }, { Y: 'a' }),
      step('first', { X: 'a' }, { Y: 'b' }),
      step('second', { X: 'b' }, { Y: 'OUT' }),
    ],
  );
  const models = [
    model('repeat', ['X'], ['Y'], DECOUPLED),
    model('first', ['X'], ['Y']),
    model('second', ['X'], ['Y']),
  ];
  checkSchedules(
    fc.property(fc.nat(12), fc.array(fc.nat(), { maxLength: 60 }), (count, order) => {
      const bench = new FakeEnsemble(config, models);
      const recorded = bench.request({ IN: 1 });
      const repeat = bench.only('repeat');
      for (let at = 0; at < count; at += 1) repeat.send({ Y: at });
      repeat.complete();
      const pass = (chosen: FakeStep): void => chosen.finish({ Y: chosen.input('X') ?? -1 });
      for (const which of order) {
        const running = bench.running();
        const chosen = running[which % Math.max(1, running.length)];
        if (chosen !== undefined) pass(chosen);
      }
      for (let left = bench.running(); left.length > 0; left = bench.running()) left.forEach(pass);
      const expected = Array.from({ length: count }, (_, at) => ({ OUT: at }));
      assert.deepEqual(valuesOf(recorded), [...expected, undefined]);
      const starts = bench.steps.filter((s) => s.model === 'second').map((s) => s.input('X'));
      assert.deepEqual(
        starts,
        expected.map(({ OUT }) => OUT),
      );
    }),
    500,
  );
});
