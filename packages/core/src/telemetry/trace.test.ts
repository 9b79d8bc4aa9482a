import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Logger } from '@nereid/backend-sdk';
import { collectingTracer } from './testing/collecting-tracer.ts';
import { Tracer, type TraceOptions, type TraceSettings } from './trace.ts';

const OPTIONS: TraceOptions = {
  levels: ['OFF'],
  rate: 1,
  count: -1,
  logFrequency: 0,
  file: 'trace.json',
  openTelemetry: undefined,
  unused: [],
};
const REQUEST = { modelName: 'addsub', modelVersion: '1', requestId: 't1' };

function createTracer(options: Partial<TraceOptions> = {}): { tracer: Tracer; log: string[] } {
  const log: string[] = [];
  const add = (message: string): void => {
    log.push(message);
  };
  const logger: Logger = { verbose: () => {}, info: add, warning: add, error: add };
  let ns = 0;
  return { tracer: new Tracer({ ...OPTIONS, ...options }, { logger, now: () => (ns += 10) }), log };
}

async function createFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'trace-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function readTraces(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}

function settings(changes: Partial<TraceSettings> = {}): TraceSettings {
  return {
    trace_level: ['OFF'],
    trace_rate: '1',
    trace_count: '-1',
    log_frequency: '0',
    trace_file: 'trace.json',
    trace_mode: 'triton',
    ...changes,
  };
}

/** Which of n requests are traced. */
function sampled(tracer: Tracer, n: number, modelName = 'addsub'): readonly boolean[] {
  return Array.from({ length: n }, () => tracer.start({ ...REQUEST, modelName }) !== undefined);
}

test('nothing is traced while the level is OFF', () => {
  assert.deepEqual(sampled(createTracer().tracer, 3), [false, false, false]);
});

test('each rate-th request is traced, until the count is used up', () => {
  const { tracer } = createTracer({ levels: ['TIMESTAMPS'], rate: 2, count: 2 });
  assert.deepEqual(sampled(tracer, 8), [false, true, false, true, false, false, false, false]);
  assert.equal(tracer.settings().trace_count, '0');
});

test('a trace is written as a header and its timestamps', async (t) => {
  const file = join(await createFolder(t), 'trace.json');
  const { tracer } = createTracer({ levels: ['TIMESTAMPS'], file });
  const trace = tracer.start(REQUEST);
  trace?.record('HTTP_RECV_START', 5);
  trace?.record('REQUEST_START');
  trace?.end();
  trace?.end();
  tracer.start({ ...REQUEST, requestId: '' })?.end();
  await tracer.close();
  assert.deepEqual(await readTraces(file), [
    { id: 1, model_name: 'addsub', model_version: 1, request_id: 't1' },
    {
      id: 1,
      timestamps: [
        { name: 'HTTP_RECV_START', ns: 5 },
        { name: 'REQUEST_START', ns: 10 },
      ],
    },
    { id: 2, model_name: 'addsub', model_version: 1 },
    { id: 2, timestamps: [] },
  ]);
});

test('the traces of a step of an ensemble name their parent', async (t) => {
  const file = join(await createFolder(t), 'trace.json');
  const { tracer } = createTracer({ levels: ['TIMESTAMPS'], file });
  const parent = tracer.start(REQUEST);
  const child = parent?.child('times2', '3');
  child?.end();
  parent?.end();
  await tracer.close();
  assert.deepEqual(await readTraces(file), [
    { id: 1, model_name: 'addsub', model_version: 1, request_id: 't1' },
    { id: 1, timestamps: [] },
    { id: 2, model_name: 'times2', model_version: 3, request_id: 't1', parent_id: 1 },
    { id: 2, timestamps: [] },
  ]);
});

test('with a log frequency each so many traces have a numbered file, the rest at the end', async (t) => {
  const folder = await createFolder(t);
  const { tracer } = createTracer({ levels: ['TIMESTAMPS'], logFrequency: 2, file: join(folder, 't') });
  for (let i = 0; i < 5; i++) tracer.start(REQUEST)?.end();
  await tracer.close();
  assert.deepEqual((await readdir(folder)).sort(), ['t.0', 't.1', 't.2']);
  const last = await readTraces(join(folder, 't.2'));
  assert.deepEqual(last, [
    { id: 5, model_name: 'addsub', model_version: 1, request_id: 't1' },
    { id: 5, timestamps: [] },
  ]);
});

test('without a log frequency a change of settings writes what there is, and the file goes on after it', async (t) => {
  const file = join(await createFolder(t), 'trace.json');
  const { tracer } = createTracer({ levels: ['TIMESTAMPS'], file });
  tracer.start(REQUEST)?.end();
  const running = tracer.start(REQUEST);
  tracer.update(undefined, { trace_level: ['OFF'] });
  running?.end();
  await tracer.close();
  const traces = await readTraces(file);
  assert.ok(Array.isArray(traces));
  assert.deepEqual(
    traces.map((record: { id: number }) => record.id),
    [1, 1, 2, 2],
  );
});

test('a file that cannot be written is told in the log', async () => {
  const file = join(tmpdir(), 'no-such-folder', 'trace.json');
  const { tracer, log } = createTracer({ levels: ['TIMESTAMPS'], file });
  tracer.start(REQUEST)?.end();
  await tracer.close();
  assert.match(log[0] ?? '', /failed to write 1 traces to '.*trace\.json': they are lost/);
});

test('settings of the server are changed, and null goes back to those of the start', () => {
  const { tracer } = createTracer({ rate: 1000 });
  const change = {
    trace_rate: '5',
    trace_count: '3',
    log_frequency: '10',
    trace_level: ['TENSORS', 'TIMESTAMPS'],
  };
  assert.deepEqual(
    tracer.update(undefined, change),
    settings({
      trace_level: ['TIMESTAMPS', 'TENSORS'],
      trace_rate: '5',
      trace_count: '3',
      log_frequency: '10',
    }),
  );
  const clear = { trace_rate: null, trace_count: null, log_frequency: null, trace_level: null };
  assert.deepEqual(tracer.update(undefined, clear), settings({ trace_rate: '1000' }));
});

test('a model has the settings of the server where it has none of its own', () => {
  const { tracer } = createTracer();
  tracer.update('addsub', { trace_rate: '7' });
  assert.deepEqual(
    tracer.update(undefined, { trace_rate: '9', trace_count: '4' }),
    settings({ trace_rate: '9', trace_count: '4' }),
  );
  assert.deepEqual(tracer.settings('addsub'), settings({ trace_rate: '7', trace_count: '4' }));
  assert.deepEqual(tracer.settings('other'), settings({ trace_rate: '9', trace_count: '4' }));
  assert.deepEqual(
    tracer.update('addsub', { trace_rate: null }),
    settings({ trace_rate: '9', trace_count: '4' }),
  );
});

test('a model may be traced alone', () => {
  const { tracer } = createTracer();
  tracer.update('addsub', { trace_level: ['TIMESTAMPS'] });
  assert.deepEqual(sampled(tracer, 1), [true]);
  assert.deepEqual(sampled(tracer, 1, 'other'), [false]);
});

test('a change of another setting does not begin the count anew', () => {
  const { tracer } = createTracer({ levels: ['TIMESTAMPS'], count: 3 });
  sampled(tracer, 1);
  assert.equal(tracer.update(undefined, { trace_rate: '1' }).trace_count, '2');
  tracer.update('addsub', { trace_count: '5' });
  sampled(tracer, 2);
  tracer.update(undefined, { log_frequency: '1' });
  assert.equal(tracer.settings('addsub').trace_count, '3');
});

test('levels that are not known are passed over, which the log tells', () => {
  const { tracer, log } = createTracer();
  assert.deepEqual(tracer.update(undefined, { trace_level: ['EVERYTHING'] }), settings());
  const both = settings({ trace_level: ['TIMESTAMPS'] });
  assert.deepEqual(tracer.update(undefined, { trace_level: ['TIMESTAMPS', 'ALL', 'MORE'] }), both);
  assert.deepEqual(log, [
    "trace_level: 'EVERYTHING' has no effect, expected OFF, TIMESTAMPS, TENSORS",
    "trace_level: 'ALL', 'MORE' has no effect, expected OFF, TIMESTAMPS, TENSORS",
  ]);
});

test('an empty list of levels clears', () => {
  const { tracer, log } = createTracer();
  tracer.update(undefined, { trace_level: ['TIMESTAMPS'] });
  assert.deepEqual(tracer.update(undefined, { trace_level: [] }), settings());
  assert.deepEqual(log, []);
});

test('a negative rate counts down from 2^32, and rate and count may be 0 while nothing is traced', () => {
  const { tracer } = createTracer();
  assert.equal(tracer.update(undefined, { trace_rate: '-2' }).trace_rate, '4294967294');
  assert.equal(tracer.update(undefined, { trace_rate: '0' }).trace_rate, '0');
  assert.equal(tracer.update(undefined, { trace_count: '0' }).trace_count, '0');
});

for (const [title, change, code, message] of [
  [
    'a file',
    { trace_file: 'x' },
    'UNSUPPORTED',
    'trace file location can not be updated through network protocol',
  ],
  [
    'OFF among others',
    { trace_level: ['OFF', 'TENSORS'] },
    'INVALID_ARG',
    "Expect only one trace level 'OFF' is specified",
  ],
  [
    'a rate that is a word',
    { trace_rate: 'often' },
    'INVALID_ARG',
    "Unable to parse 'trace_rate', got: often",
  ],
  [
    'a count below -1',
    { trace_count: '-2' },
    'INVALID_ARG',
    "Unable to parse 'trace_count'. Expecting value >= -1, got:-2",
  ],
  [
    'a rate out of range',
    { trace_rate: '99999999999' },
    'INVALID_ARG',
    "Unable to parse 'trace_rate', value is out of range [ 0, 4294967295 ], got: 99999999999",
  ],
  [
    'tracing at rate 0',
    { trace_level: ['TIMESTAMPS'], trace_rate: '0' },
    'INVALID_ARG',
    'Attempting to set invalid trace setting :sample rate must be non-zero',
  ],
] as const) {
  test(`${title} is refused and changes nothing`, () => {
    const { tracer } = createTracer();
    assert.throws(() => tracer.update(undefined, change), { code, message });
    assert.throws(() => tracer.update('addsub', change), { code, message });
    assert.deepEqual(tracer.settings('addsub'), settings());
  });
}

test('a change of the server that a traced model could not live with is refused whole', () => {
  const { tracer } = createTracer();
  tracer.update('addsub', { trace_level: ['TIMESTAMPS'] });
  assert.throws(() => tracer.update(undefined, { trace_rate: '0' }), /sample rate must be non-zero/);
  assert.deepEqual(tracer.settings(), settings());
});

test('tracing without a file is refused', () => {
  const message = 'Attempting to set invalid trace setting :trace file name is not given';
  assert.throws(() => createTracer({ levels: ['TIMESTAMPS'], file: '' }), { code: 'INVALID_ARG', message });
  const { tracer } = createTracer({ file: '' });
  assert.throws(() => tracer.update(undefined, { trace_level: ['TIMESTAMPS'] }), { message });
});

test('tensors are written with their values, as they were when they were seen', async (t) => {
  const file = join(await createFolder(t), 'trace.json');
  const { tracer } = createTracer({ levels: ['TENSORS'], file });
  const trace = tracer.start(REQUEST);
  const data = new Uint8Array(new Int32Array([1, -2]).buffer);
  trace?.record('REQUEST_START');
  trace?.recordTensors('TENSOR_QUEUE_INPUT', [{ name: 'X', datatype: 'INT32', shape: [1, 2], data }]);
  data.fill(0);
  trace?.end();
  await tracer.close();
  assert.deepEqual(await readTraces(file), [
    { id: 1, model_name: 'addsub', model_version: 1, request_id: 't1' },
    {
      id: 1,
      activity: 'TENSOR_QUEUE_INPUT',
      tensor: { name: 'X', data: '1,-2', shape: '1,2', dtype: 'INT32' },
    },
  ]);
});

test('without level TENSORS no tensor is kept', () => {
  const { tracer } = createTracer({ levels: ['TIMESTAMPS'] });
  const trace = tracer.start(REQUEST);
  trace?.recordTensors('TENSOR_QUEUE_INPUT', [
    { name: 'X', datatype: 'UINT8', shape: [1], data: new Uint8Array(1) },
  ]);
  assert.deepEqual(trace?.tensors, []);
});

test('many waiting traces are written before the end', async (t) => {
  const file = join(await createFolder(t), 'trace.json');
  const { tracer } = createTracer({ levels: ['TENSORS'], file });
  const data = new Uint8Array(1 << 20);
  for (let i = 0; i < 3; i += 1) {
    const trace = tracer.start(REQUEST);
    trace?.recordTensors('TENSOR_QUEUE_INPUT', [{ name: 'X', datatype: 'UINT8', shape: [1 << 20], data }]);
    trace?.end();
  }
  tracer.update(undefined, { trace_level: ['OFF'] });
  await tracer.close();
  const traces = await readTraces(file);
  assert.ok(Array.isArray(traces));
  assert.equal(traces.length, 6);
});

test('tracing turned on with a count of 0 is refused; a count that has run out is not', () => {
  const { tracer } = createTracer({ levels: ['TIMESTAMPS'], count: 1 });
  sampled(tracer, 1);
  assert.equal(tracer.update(undefined, { trace_rate: '2' }).trace_count, '0');
  assert.throws(() => tracer.update(undefined, { trace_level: ['TIMESTAMPS'], trace_count: '0' }), {
    code: 'INVALID_ARG',
    message: 'Attempting to set invalid trace setting :trace count must be non-zero',
  });
});

test('the tracer is on while the server or any model is traced', () => {
  const { tracer } = createTracer();
  assert.equal(tracer.isOn, false);
  tracer.update('addsub', { trace_level: ['TIMESTAMPS'] });
  assert.equal(tracer.isOn, true);
  tracer.update('addsub', { trace_level: null });
  assert.equal(tracer.isOn, false);
});

const CONTEXT = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceState: undefined };

test('a request with a context is traced whatever the rate, if traces are exported', async () => {
  const { tracer, next } = collectingTracer({ rate: 1000 });
  tracer.start(REQUEST)?.end();
  tracer.start({ ...REQUEST, requestId: 'mine', context: CONTEXT })?.end();
  assert.equal((await next()).requestId, 'mine');
  assert.equal(
    createTracer({ levels: ['TIMESTAMPS'], rate: 2 }).tracer.start({ ...REQUEST, context: CONTEXT }),
    undefined,
  );
});

test('rate 0 at the start traces only what has a context, and is refused later', () => {
  const { tracer } = collectingTracer({ rate: 0 });
  assert.equal(tracer.start(REQUEST), undefined);
  assert.ok(tracer.start({ ...REQUEST, context: CONTEXT }));
  assert.throws(() => tracer.update(undefined, { trace_rate: '0' }), /sample rate must be non-zero/);
});

test('settings of mode opentelemetry have no file, and no level TENSORS', () => {
  const { tracer } = collectingTracer();
  assert.deepEqual(tracer.settings(), {
    trace_level: ['TIMESTAMPS'],
    trace_rate: '1',
    trace_count: '-1',
    trace_mode: 'opentelemetry',
  });
  assert.throws(() => tracer.update(undefined, { trace_level: ['TENSORS'] }), /TENSORS is not supported/);
});
