import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readEngineSettings } from './engine-settings.ts';
import { createTestModel, type TestModelInit } from './testing/test-context.ts';

const folder = mkdtempSync(join(tmpdir(), 'nereid-settings-'));
writeFileSync(join(folder, 'key'), 'sesame\n');
after(() => rmSync(folder, { recursive: true }));

const MODEL_JSON = { 'model.json': { model: 'org/name', enforce_eager: true, max_num_seqs: 10 } };

test('an engine of ours is what model.json says', async () => {
  using model = createTestModel({ files: MODEL_JSON });
  const settings = await readEngineSettings(model);
  assert.equal(settings.preset.name, 'vllm');
  assert.equal(settings.model, 'org/name');
  assert.deepEqual(settings.program, ['vllm']);
  assert.deepEqual(settings.argv, ['--enforce-eager', '--max-num-seqs=10']);
  assert.deepEqual(settings.urls, []);
  assert.equal(settings.reportsMetrics, true);
});

test('as many requests at once as the engine runs, and a quarter', async () => {
  using model = createTestModel({ files: MODEL_JSON });
  assert.deepEqual((await readEngineSettings(model)).limits, {
    maxConcurrent: 13,
    maxQueueRequests: 1024,
    maxQueueTokens: 0,
  });
  using other = createTestModel({
    files: MODEL_JSON,
    parameters: { max_concurrent_requests: '4', max_queue_requests: '5', max_queue_tokens: '600' },
  });
  assert.deepEqual((await readEngineSettings(other)).limits, {
    maxConcurrent: 4,
    maxQueueRequests: 5,
    maxQueueTokens: 600,
  });
});

test("a path beside model.json is made absolute, another one is the engine's to find", async () => {
  using model = createTestModel({ files: { 'model.json': { model: 'weights' }, 'weights/config.json': {} } });
  assert.equal((await readEngineSettings(model)).model, join(model.versionDirectory, 'weights'));
});

test('adapters stand in multi_lora.json', async () => {
  const files = {
    'model.json': { model: 'm', enable_lora: 'true' },
    'multi_lora.json': { alpaca: 'adapters/alpaca', hub: 'org/adapter' },
    'adapters/alpaca/adapter_config.json': {},
  };
  using model = createTestModel({ files });
  const { adapters, argv } = await readEngineSettings(model);
  const alpaca = join(model.versionDirectory, 'adapters/alpaca');
  assert.deepEqual(
    [...adapters],
    [
      ['alpaca', alpaca],
      ['hub', 'org/adapter'],
    ],
  );
  assert.deepEqual(argv, ['--enable-lora', '--lora-modules', `alpaca=${alpaca}`, 'hub=org/adapter']);
  using without = createTestModel({ files: { ...files, 'model.json': { model: 'm' } } });
  assert.equal((await readEngineSettings(without)).adapters.size, 0);
});

for (const [engine, places, argv] of [
  ['sglang', 'max_running_requests', ['--max-running-requests=10', '--loads', 'a', 'b']],
  ['trtllm', 'max_batch_size', ['--max_batch_size=10', '--loads=a', '--loads=b']],
  ['llamacpp', 'parallel', ['--parallel', '10', '--loads', 'a,b']],
] as const) {
  test(`${engine} has its arguments as it reads them, and as many requests as it runs`, async () => {
    const args = { [places]: 10, is_off: false, loads: ['a', 'b'] };
    using model = createTestModel({
      files: { 'model.json': { model: 'm', ...args } },
      parameters: { engine },
    });
    const settings = await readEngineSettings(model);
    assert.deepEqual(
      settings.argv.filter((word) => word !== '--no-is-off'),
      argv,
    );
    assert.equal(settings.limits.maxConcurrent, 13);
  });
}

test('further names of the model stand behind ours', async () => {
  using model = createTestModel({ files: { 'model.json': { model: 'm', served_model_name: 'other' } } });
  assert.deepEqual((await readEngineSettings(model)).argv, ['--served-model-name', 'llama', 'other']);
});

test('the interpreter of a setting runs vLLM', async () => {
  using model = createTestModel({ files: MODEL_JSON, settings: { python: '/opt/vllm/bin/python' } });
  const { program } = await readEngineSettings(model);
  assert.deepEqual(program, ['/opt/vllm/bin/python', '-m', 'vllm.entrypoints.cli.main']);
});

test('engines elsewhere need no model.json', async () => {
  using model = createTestModel({
    parameters: { engine: 'sglang', engine_url: 'http://one:1/v1/, https://two/base', engine_model: 'x' },
  });
  const { urls, engineModel, preset } = await readEngineSettings(model);
  assert.deepEqual(urls.map(String), ['http://one:1/', 'https://two/base']);
  assert.equal(engineModel, 'x');
  assert.equal(preset.name, 'sglang');
});

test('or model.json has their URL', async () => {
  using model = createTestModel({ files: { 'model.json': { engine_url: 'http://one:1', model: 'x' } } });
  assert.deepEqual((await readEngineSettings(model)).urls.map(String), ['http://one:1/']);
});

test('a parameter that is nearly ours is warned of', async () => {
  using model = createTestModel({ files: MODEL_JSON, parameters: { max_queue_request: '5', mine: '1' } });
  await readEngineSettings(model);
  assert.deepEqual(
    model.logs.map(({ level, message }) => `${level} ${message}`),
    ["warning parameter 'max_queue_request' is not read; did you mean 'max_queue_requests'?"],
  );
});

for (const [title, init, message] of [
  [
    'a key for an engine of ours, which has one of its own',
    { files: MODEL_JSON, parameters: { engine_key_env: 'KEY' } },
    "parameter 'engine_key_env' is not read: it is for engines elsewhere, and 'engine_url' names none",
  ],
  [
    'a program for an engine elsewhere',
    { parameters: { engine_url: 'http://one', engine_command: 'my-vllm' } },
    "parameter 'engine_command' is not read: it is for an engine that the server starts, and 'engine_url' names others",
  ],
  [
    'a variable beside a file for the key',
    {
      parameters: { engine_url: 'http://one', engine_key_file: join(folder, 'key'), engine_key_env: 'K' },
    },
    "parameter 'engine_key_env' is not read: 'engine_key_file' is given, too",
  ],
] as const) {
  test(`warned of: ${title}`, async () => {
    using model = createTestModel(init);
    await readEngineSettings(model);
    assert.deepEqual(
      model.logs.map(({ message: text }) => text),
      [message],
    );
  });
}

const REFUSED: readonly (readonly [string, TestModelInit, RegExp])[] = [
  [
    'nothing at all',
    {},
    /^model 'llama': expected model\.json, or parameter 'engine_url', found no model\.json/,
  ],
  [
    'no model',
    { files: { 'model.json': {} } },
    /model\.json: 'model' must be the name or the path of a model, found null$/,
  ],
  ['no JSON', { files: { 'model.json': '{' } }, /^model 'llama': model\.json: is not JSON: /],
  [
    'a list',
    { files: { 'model.json': '[]' } },
    /^model 'llama': model\.json: must be a JSON object, found \[\]$/,
  ],
  [
    'wrong arguments',
    { files: { 'model.json': { model: 'm', tensor_paralel_size: 2, max_model_len: 'abc' } } },
    /^model 'llama': model\.json: engine argument 'tensor_paralel_size' is unknown to vLLM 0\.32\.0.*; did you mean 'tensor_parallel_size'\?; engine argument 'max_model_len' must be an integer, found "abc"$/,
  ],
  [
    'an unknown engine',
    { parameters: { engine: 'vlm' } },
    /parameter 'engine': expected one of vllm, .*, found 'vlm'; did you mean 'vllm'\?/,
  ],
  [
    'an engine that is not started',
    { parameters: { engine: 'nim' } },
    /engine 'nim' is not started by the server, give its 'engine_url'/,
  ],
  [
    'no URL',
    { parameters: { engine_url: 'one:1' } },
    /'engine_url': expected http:\/\/ or https:\/\/ URLs .*, found 'one:1'/,
  ],
  [
    'a password in a URL',
    { parameters: { engine_url: 'http://u:secret@one' } },
    /found 'http:\/\/\*\*\*@one'$/,
  ],
  [
    'a query in a URL, which paths are added to',
    { parameters: { engine_url: 'http://one/v1?key=secret' } },
    /'engine_url': expected .* without user, password and query, .*, found 'http:\/\/one\/v1\?\*\*\*'$/,
  ],
  [
    'arguments for an engine elsewhere',
    { files: { 'model.json': { engine_url: 'http://one', model: 'm', max_model_len: 5 } } },
    /with 'engine_url' only 'model' may be given, since no engine is started, found 'max_model_len'/,
  ],
  [
    'several devices for KIND_GPU',
    { kind: 'KIND_GPU', files: { 'model.json': { model: 'm', tensor_parallel_size: 2 } } },
    /KIND_GPU is currently for single GPU execution, expected .* of 1, found 2; use KIND_MODEL/,
  ],
  [
    'an adapter that is no path',
    { files: { 'model.json': { model: 'm', enable_lora: true }, 'multi_lora.json': { a: 1 } } },
    /multi_lora\.json: adapter 'a' must be a path, found 1/,
  ],
  [
    'adapters for an engine that would answer without them',
    {
      parameters: { engine: 'sglang' },
      files: { 'model.json': { model: 'm', enable_lora: true }, 'multi_lora.json': { a: 'x' } },
    },
    /adapters of multi_lora\.json are for engine 'vllm', expected none for 'sglang', found a$/,
  ],
  [
    'no key file',
    { parameters: { engine_url: 'http://one', engine_key_file: '/no/such/file' } },
    /^model 'llama': engine_key_file '\/no\/such\/file' gives no key for the engine: ENOENT/,
  ],
];

for (const [name, init, message] of REFUSED) {
  test(`refused: ${name}`, async () => {
    using model = createTestModel(init);
    await assert.rejects(readEngineSettings(model), { code: 'INVALID_ARG', message });
  });
}
