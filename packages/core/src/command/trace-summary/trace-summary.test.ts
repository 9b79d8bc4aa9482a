import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { summarizeTraces } from './trace-summary.ts';

const STAGES = ['COMPUTE_START', 'COMPUTE_INPUT_END', 'COMPUTE_OUTPUT_START', 'COMPUTE_END'];

interface TestTrace {
  readonly id: number;
  readonly model: string;
  readonly parent?: number;
  /** Microseconds in the queue; then come 10 of input, 100 of inference, 5 of output. */
  readonly queueUs: number;
}

/** Records as Triton writes them: each timestamp in one of its own. */
function recordsOf({ id, model, parent, queueUs }: TestTrace): readonly object[] {
  const header = { id, model_name: model, model_version: 1, request_id: `r<${id}>`, parent_id: parent };
  const compute = [0, 10, 110, 115].map((us, at) => [STAGES[at], queueUs + us] as const);
  const times = [['REQUEST_START', 0], ['QUEUE_START', 0], ...compute, ['REQUEST_END', queueUs + 120]];
  return [header, ...times.map(([name, us]) => ({ id, timestamps: [{ name, ns: Number(us) * 1000 }] }))];
}

function writeTraces(t: TestContext, traces: readonly TestTrace[], more: readonly object[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'trace-summary-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'trace.json');
  writeFileSync(file, JSON.stringify([...traces.flatMap(recordsOf), ...more]));
  return file;
}

/** The cells of the row of a stage. */
function rowOf(table: string, stage: string): readonly string[] {
  const cells = table.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  return cells.find((row) => row[2] === stage)?.slice(3, -1) ?? [];
}

test('durations are averaged by model and stage, with percentiles', (t) => {
  const traces = Array.from({ length: 100 }, (_, at) => ({ id: at + 1, model: 'm', queueUs: at + 1 }));
  const table = summarizeTraces([writeTraces(t, traces)]);
  assert.deepEqual(rowOf(table, 'queue'), ['100', '50.5', '50.0', '90.0', '99.0', '100']);
  assert.deepEqual(rowOf(table, 'compute input'), ['100', '10.0', '10.0', '10.0', '10.0', '10.0']);
  assert.deepEqual(rowOf(table, 'compute infer').slice(0, 2), ['100', '100']);
  assert.deepEqual(rowOf(table, 'request').slice(0, 2), ['100', '171']);
});

test('several files are one sum, although ids begin anew in each', (t) => {
  const files = [3, 5].map((queueUs) => writeTraces(t, [{ id: 1, model: 'm', queueUs }]));
  assert.deepEqual(rowOf(summarizeTraces(files), 'queue'), ['2', '4.0', '3.0', '5.0', '5.0', '5.0']);
});

test('tensors are shown on demand', (t) => {
  const tensor = { name: 'X', data: '1,2', shape: '1,2', dtype: 'INT32' };
  const record = { id: 1, activity: 'TENSOR_QUEUE_INPUT', tensor };
  const file = writeTraces(t, [{ id: 1, model: 'm', queueUs: 1 }], [record]);
  assert.doesNotMatch(summarizeTraces([file]), /TENSOR_QUEUE_INPUT/);
  assert.match(
    summarizeTraces(['-t', file]),
    /1 \(r<1>\) \| m +\| TENSOR_QUEUE_INPUT \| X +\| INT32 \[1,2\] \| 1,2/,
  );
});

test('the slowest requests are drawn with their steps, names escaped', (t) => {
  const file = writeTraces(t, [
    { id: 1, model: 'fast', queueUs: 1 },
    { id: 2, model: 'slow', queueUs: 880 },
    { id: 3, model: 'step', queueUs: 20, parent: 2 },
  ]);
  const svg = `${file}.svg`;
  summarizeTraces([`--svg=${svg}`, '--slowest=1', file]);
  const text = readFileSync(svg, 'utf8');
  assert.match(text, /The 1 slowest of 2 traced requests/);
  assert.match(text, />slow · r&lt;2&gt;</);
  assert.match(text, />step</);
  assert.doesNotMatch(text, />fast/);
  // 880 of 1000 µs in the queue: 88 % of the 810 units beside the labels.
  assert.match(text, /x="300" y="\d+" width="712.8" height="14" fill="#f0b429"><title>queue: 880 µs/);
});

for (const [title, flags, message] of [
  ['no file', [], /no trace file is given/],
  [
    'a file that is not there',
    ['/no/such/file.json'],
    /cannot read trace file '\/no\/such\/file\.json': ENOENT/,
  ],
  ['an unknown flag', ['--svgg=x', 'f'], /Unknown option '--svgg'/],
  [
    'a number of requests that is none',
    ['--slowest=few', 'f'],
    /--slowest: expected an integer from 1 on, found 'few'/,
  ],
] as const) {
  test(`${title} is refused`, () => {
    assert.throws(() => summarizeTraces(flags), { code: 'INVALID_ARG', message });
  });
}

test('a file that holds no traces is told', (t) => {
  assert.equal(summarizeTraces([writeTraces(t, [])]), 'The files hold no trace.\n');
  const file = writeTraces(t, [], [{ name: 'x' }]);
  assert.throws(() => summarizeTraces([file]), /is no trace file: .* found \{"name":"x"\}/);
});
