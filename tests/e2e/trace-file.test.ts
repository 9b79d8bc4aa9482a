/** Tracing in mode `triton`: what the files of a real server hold, also of one that was killed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pythonVenv } from '../python/venv.ts';
import { identityModel, makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { runNereid, startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };

interface TraceRecord {
  readonly id: number;
  readonly model_name?: string;
  readonly model_version?: number;
  readonly parent_id?: number;
  readonly timestamps?: readonly { readonly name: string; readonly ns: number }[];
  readonly activity?: string;
  readonly tensor?: Readonly<Record<string, string>>;
}

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-trace-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function start(repository: TemporaryRepository, ...settings: readonly string[]): Promise<RunningServer> {
  return startServer(repository.path, ...settings.map((setting) => `--trace-config=${setting}`));
}

async function infer({ http }: RunningServer, model: string, input: string, values: number[]): Promise<void> {
  const inputs = [{ name: input, datatype: 'INT32', shape: [values.length], data: values }];
  const body = JSON.stringify({ id: 'r1', inputs });
  const response = await fetch(`${http}/v2/models/${model}/infer`, { method: 'POST', body });
  assert.equal(response.status, 200, await response.text());
}

function readRecords(file: string): readonly TraceRecord[] {
  return JSON.parse(readFileSync(file, 'utf8')) as readonly TraceRecord[];
}

const ENSEMBLE = `
platform: "ensemble"
input [{ name: "IN" data_type: TYPE_INT32 dims: [-1] }]
output [{ name: "OUT" data_type: TYPE_INT32 dims: [-1] }]
ensemble_scheduling { step [
  { model_name: "m" model_version: -1 input_map { key: "INPUT0" value: "IN" } output_map { key: "OUTPUT0" value: "OUT" } }
] }
`;

test(
  'a file tells the moments and the tensors of an ensemble and its step, and can be summed up',
  LIMIT,
  async (t) => {
    const file = join(makeFolder(t), 'trace.json');
    await using repository = makeRepository();
    repository.write('m', identityModel());
    repository.write('chain', { 'config.pbtxt': ENSEMBLE, '1/.keep': '' });
    await using server = await start(
      repository,
      `triton,file=${file}`,
      'level=TIMESTAMPS',
      'level=TENSORS',
      'rate=1',
    );
    await infer(server, 'chain', 'IN', [7, -8]);
    assert.equal(await server.stop(), 0);
    const records = readRecords(file);
    const headers = records.filter(({ model_name: name }) => name !== undefined);
    assert.deepEqual(headers, [
      { id: 1, model_name: 'chain', model_version: 1, request_id: 'r1' },
      { id: 2, model_name: 'm', model_version: 1, request_id: 'r1', parent_id: 1 },
    ]);
    const step = records.filter(({ id }) => id === 2).flatMap(({ timestamps }) => timestamps ?? []);
    assert.deepEqual(
      step.map(({ name }) => name),
      [
        'REQUEST_START',
        'QUEUE_START',
        'COMPUTE_START',
        'COMPUTE_INPUT_END',
        'COMPUTE_OUTPUT_START',
        'COMPUTE_END',
        'REQUEST_END',
      ],
    );
    assert.deepEqual(
      step.map(({ ns }) => ns),
      step.map(({ ns }) => ns).toSorted((a, b) => a - b),
    );
    assert.deepEqual(
      records.flatMap(({ id, activity, tensor }) =>
        tensor === undefined ? [] : [[id, activity, tensor['data']]],
      ),
      [
        [1, 'TENSOR_QUEUE_INPUT', '7,-8'],
        [2, 'TENSOR_QUEUE_INPUT', '7,-8'],
        [2, 'TENSOR_BACKEND_INPUT', '7,-8'],
        [2, 'TENSOR_BACKEND_OUTPUT', '7,-8'],
      ],
    );
    const summary = await runNereid('trace-summary', file);
    assert.match(summary.output, /\| chain \(1\) \| request +\| 1 /);
    assert.match(summary.output, /\| compute infer +\| 1 /);
  },
);

test('what a killed server has written is complete', LIMIT, async (t) => {
  const folder = makeFolder(t);
  const file = join(folder, 'trace');
  await using repository = makeRepository();
  repository.write('m', identityModel());
  await using server = await start(
    repository,
    `triton,file=${file}`,
    'triton,log-frequency=1',
    'level=TIMESTAMPS',
    'rate=1',
  );
  const appeared = untilExists(t, folder, 'trace.1');
  for (let i = 0; i < 2; i += 1) await infer(server, 'm', 'INPUT0', [i]);
  await appeared;
  server.process.kill('SIGKILL');
  await once(server.process, 'exit');
  assert.deepEqual(
    ['trace.0', 'trace.1'].map((name) => readRecords(join(folder, name))[0]?.model_name),
    ['m', 'm'],
  );
});

/** Files get their name when they are whole. */
function untilExists(t: TestContext, folder: string, name: string): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (existsSync(join(folder, name))) resolve();
    };
    const watcher = watch(folder, check);
    t.after(() => watcher.close());
    check();
  });
}

const NOTING = `import triton_python_backend_utils as pb_utils
from nereid_backend import record_activity


class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            record_activity(request, f"LOOK_UP_{request.request_id().upper()}_START")
            x = pb_utils.get_input_tensor_by_name(request, "IN").as_numpy()
            record_activity(request, f"LOOK_UP_{request.request_id().upper()}_END")
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("OUT", x)]))
        return responses
`;
const NOTING_CONFIG = `backend: "python"
input [{ name: "IN" data_type: TYPE_INT32 dims: [-1] }]
output [{ name: "OUT" data_type: TYPE_INT32 dims: [-1] }]
`;

test('a Python model notes its own moments, of the requests that are traced', LIMIT, async (t) => {
  const interpreter = pythonVenv();
  const file = join(makeFolder(t), 'trace.json');
  await using repository = makeRepository();
  repository.write('m', { 'config.pbtxt': NOTING_CONFIG, '1/model.py': NOTING });
  const tracing = [`triton,file=${file}`, 'level=TIMESTAMPS', 'rate=2'];
  await using server = await startServer(
    repository.path,
    `--backend-config=python,interpreter=${interpreter}`,
    ...tracing.map((setting) => `--trace-config=${setting}`),
  );
  for (const value of [1, 2, 3, 4]) await infer(server, 'm', 'IN', [value]);
  assert.equal(await server.stop(), 0);
  const timestamps = readRecords(file).flatMap((record) => (record.timestamps ? [record.timestamps] : []));
  assert.equal(timestamps.length, 2);
  for (const moments of timestamps) {
    const inside = moments.filter(({ name }) => /^(?:COMPUTE_START|LOOK_UP_.*|COMPUTE_END)$/.test(name));
    inside.sort((one, other) => one.ns - other.ns);
    assert.deepEqual(
      inside.map(({ name }) => name),
      ['COMPUTE_START', 'LOOK_UP_R1_START', 'LOOK_UP_R1_END', 'COMPUTE_END'],
    );
  }
});
