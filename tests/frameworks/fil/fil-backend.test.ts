import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { HttpClient, InferenceServerError, InferInput } from '@nereid/client';
import { gpuError } from '../gpu-error.ts';
import { frameworkVenv } from '../../python/venv.ts';
import { ROOT, startServer, type RunningServer } from '../../server/start-server.ts';

/** Rows of a model, and what the library that made it answers to them. */
interface Case {
  readonly name: string;
  /** null: a missing value. */
  readonly rows: readonly (readonly (number | null)[])[];
  readonly expected: readonly (readonly number[])[];
}

const LIMIT = { timeout: 120_000 };
/** Sums of 32-bit and of 64-bit values, relative to the size of the answer. */
const TOLERANCE = 1e-5;
const FOLDER = mkdtempSync(join(tmpdir(), 'nereid-fil-'));

let interpreter = '';
let cases: readonly Case[] = [];
let server: RunningServer;
before(async () => {
  interpreter = frameworkVenv('fil');
  execFileSync(interpreter, [join(ROOT, 'tests/frameworks/fil/train.py'), FOLDER]);
  cases = JSON.parse(readFileSync(join(FOLDER, 'cases.json'), 'utf8')) as readonly Case[];
  // Each model is loaded by the test that asks it: together they would take minutes of a small machine's start.
  server = await serve(join(FOLDER, 'models'), '--model-control-mode=explicit');
});
after(async () => {
  await server.stop();
  rmSync(FOLDER, { recursive: true });
});

function serve(path: string, ...flags: readonly string[]): Promise<RunningServer> {
  const settings = [`interpreter=${interpreter}`, 'requirements=ignore'];
  return startServer(path, ...settings.map((setting) => `--backend-config=fil,${setting}`), ...flags);
}

async function withClient<T>(
  use: (client: HttpClient) => Promise<T>,
  at: RunningServer = server,
): Promise<T> {
  const client = new HttpClient(at.http);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

function withModel<T>(
  model: string,
  use: (client: HttpClient) => Promise<T>,
  at?: RunningServer,
): Promise<T> {
  return withClient(async (client) => {
    if (!(await client.modelReady(model))) await client.loadModel(model);
    return await use(client);
  }, at);
}

function ask(model: string, rows: Case['rows'], at?: RunningServer): Promise<readonly number[]> {
  const infer = async (client: HttpClient): Promise<readonly number[]> => {
    const shape = [rows.length, rows[0]?.length ?? 0];
    const input = InferInput.from(
      'input__0',
      Float32Array.from(rows.flat(), (value) => value ?? Number.NaN),
      shape,
    );
    return [...(await client.infer(model, [input])).output('output__0', 'FP32')];
  };
  return withModel(model, infer, at);
}

/** The error of loading a model with this configuration, and with these files in place of its own. */
function loadError(model: string, config: object, files?: Readonly<Record<string, Buffer>>): Promise<string> {
  return withClient(async (client) => {
    const load = client.loadModel(model, { config: { backend: 'fil', ...config }, ...(files && { files }) });
    return await load.then(
      () => 'loaded',
      (error: unknown) => InferenceServerError.from(error).message,
    );
  });
}

function assertClose(found: readonly number[], expected: readonly number[], what: string): void {
  assert.equal(found.length, expected.length, what);
  for (const [index, value] of expected.entries()) {
    const difference = Math.abs(value - (found[index] ?? Number.NaN));
    assert.ok(
      difference <= TOLERANCE * Math.max(1, Math.abs(value)),
      `${what}: element ${index} is ${found[index]}, expected ${value}`,
    );
  }
}

test('every forest answers as the library that trained it', LIMIT, async (t) => {
  assert.ok(cases.length >= 24);
  for (const { name, rows, expected } of cases) {
    await t.test(name, async () => assertClose(await ask(name, rows), expected.flat(), name));
  }
});

test('requests of several rows become one batch, and each gets its own answers', LIMIT, async () => {
  const { rows, expected } = cases.find(({ name }) => name === 'xgb_classes_proba') ?? assert.fail();
  const parts = [rows.slice(0, 3), rows.slice(3, 4), rows.slice(4)];
  const answers = await Promise.all(parts.map((part) => ask('xgb_classes_proba', part)));
  assertClose(answers.flat(), expected.flat(), 'answers');
});

test('a model without configuration is completed from its file', LIMIT, async () => {
  const config = await withModel('rf_joblib', (client) => client.modelConfig('rf_joblib'));
  const pick = (value: unknown, ...names: readonly string[]): unknown =>
    names.map((name) => Object(value)[name] as unknown);
  assert.deepEqual(pick(config, 'backend', 'default_model_filename', 'max_batch_size'), [
    'fil',
    'model.joblib',
    32768,
  ]);
  assert.deepEqual(pick(config['dynamic_batching'], 'preferred_batch_size'), [[32768]]);
  const tensors = [config['input'], config['output']].map((list) =>
    (list as readonly object[]).map((tensor) => pick(tensor, 'name', 'data_type', 'dims')),
  );
  assert.deepEqual(tensors, [[['input__0', 'TYPE_FP32', [4]]], [['output__0', 'TYPE_FP32', [1]]]]);
});

test('an instance on a GPU is refused: forests are executed on the CPU', LIMIT, async () => {
  const directory = join(FOLDER, 'models/rf_joblib');
  const config = { name: 'rf_joblib', default_model_filename: 'model.joblib' };
  assert.match(
    await gpuError({ backend: 'fil', interpreter, directory, config }),
    /model 'rf_joblib': .* GPU 0 \(KIND_GPU\), but Treelite executes forests on the CPU: use KIND_CPU/,
  );
});

test(
  'the log warns of pickles, of trees behind the best one, and of parameters without effect',
  LIMIT,
  async () => {
    for (const name of ['rf_pickle', 'xgb_threshold', 'xgb_stopped', 'xgb_best'])
      await withModel(name, () => Promise.resolve());
    assert.match(
      server.output(),
      /model 'xgb_stopped': training was stopped early, but all trees of \S+ answer.*: save model\.get_booster\(\)\[/,
    );
    assert.doesNotMatch(server.output(), /model 'xgb_best': training was stopped early/);
    assert.match(server.output(), /rf_pickle\/1\/model\.pkl is a pickle, which runs any code that is in it/);
    assert.match(server.output(), /model 'xgb_threshold': parameter 'storage_type' has no effect/);
  },
);

test('wrong parameters are named', LIMIT, async () => {
  for (const [name, value, message] of [
    ['model_type', 'onnx', /expected one of xgboost_json, .*, found 'onnx'/],
    ['predict_proba', 'maybe', /expected true, false, 1 or 0, found 'maybe'/],
    ['threshold', 'high', /expected a number, found 'high'/],
    ['storage_type', 'FULL', /expected one of AUTO, DENSE, SPARSE, SPARSE8, found 'FULL'/],
    ['cpu_nthread', '-2', /expected an integer of at least -1, found '-2'/],
  ] as const) {
    const error = await loadError('xgb_binary', { parameters: { [name]: { string_value: value } } });
    assert.match(error, new RegExp(`model 'xgb_binary', parameter '${name}': ${message.source}`));
  }
});

test('inputs and outputs that the forest does not have are named', LIMIT, async () => {
  const input = { name: 'input__0', data_type: 'TYPE_FP32', dims: [30] };
  const output = { name: 'output__0', data_type: 'TYPE_FP32', dims: [1] };
  const shap = { name: 'treeshap_output', data_type: 'TYPE_FP32', dims: [31] };
  for (const [config, message] of [
    [
      { input: [{ ...input, dims: [7] }] },
      /input 'input__0': expected dims \[30\] as the forest has, found \[7\]/,
    ],
    [
      { output: [{ ...output, dims: [5] }] },
      /output 'output__0': expected dims \[1\] as the forest has, found \[5\]/,
    ],
    [{ output: [{ ...output, name: 'y' }] }, /expected one output, 'output__0', found y/],
    [
      { output: [{ ...output, data_type: 'TYPE_INT32' }] },
      /expected TYPE_FP32 or TYPE_FP64, found TYPE_INT32/,
    ],
    [
      { input: [{ ...input, allow_ragged_batch: true }] },
      /backend 'fil' can't serve allow_ragged_batch of input 'input__0': .*remove it/,
    ],
    [
      { output: [output, shap] },
      /output 'treeshap_output': Shapley values are not computed, remove this output/,
    ],
  ] as const) {
    const error = await loadError('xgb_binary', {
      max_batch_size: 8,
      input: [input],
      output: [output],
      ...config,
    });
    assert.match(error, message);
  }
});

test('a file that is not there, or is none of its type, is named', LIMIT, async () => {
  const lightgbm = { parameters: { model_type: { string_value: 'lightgbm' } } };
  assert.match(
    await loadError('xgb_binary', lightgbm),
    /model 'xgb_binary': expected model\.txt in \S*1, found xgboost\.json/,
  );
  assert.match(
    await loadError('broken', {}, { '1/xgboost.json': Buffer.from('{"learner": 1}') }),
    /model 'broken': \S*xgboost\.json can't be read as an XGBoost model in JSON: (?!\[)/,
  );
  assert.match(
    await loadError('no_forest', {}),
    /model 'no_forest': \S*model\.joblib can't be read .*: expected a RandomForest, .* found DecisionTreeClassifier/,
  );
  assert.match(
    await loadError('nothing', {}, { '1/readme.md': Buffer.from('') }),
    /model 'nothing': expected xgboost\.json or xgboost\.ubj .*, found readme\.md/,
  );
  const trained = readFileSync(join(FOLDER, 'models/xgb_binary_proba/1/xgboost.ubj'));
  assert.match(
    await loadError('renamed', {}, { '1/xgboost.model': trained }),
    /model 'renamed': \S*xgboost\.model can't be read .* UBJSON .*: use model_type xgboost_ubj/,
  );
});

test(
  'without an interpreter that has them, the packages of the backend are installed',
  { timeout: 170_000 },
  async () => {
    const cache = `--backend-config=python,environment-cache=${join(FOLDER, 'environments')}`;
    await using own = await startServer(join(FOLDER, 'models'), '--model-control-mode=explicit', cache);
    const { rows, expected } = cases.find(({ name }) => name === 'xgb_binary') ?? assert.fail();
    assertClose(await ask('xgb_binary', rows, own), expected.flat(), 'answers');
    assert.match(own.output(), /installing \S*backend-fil\/python\/requirements\.txt/);
  },
);
