import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { HttpClient, InferInput } from '@nereid/client';
import { pythonVenv } from '../python/venv.ts';
import { makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { runNereid, startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };

/** Serves files with numbers in them: an answer is each input multiplied by its model's number. */
const SCALE = `import json
import os
import numpy as np
import triton_python_backend_utils as pb_utils
from scaling import scale
from . import reading


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        config.set_max_batch_size(4)
        name = config.as_dict()["default_model_filename"]
        count = len(reading.read(os.path.join(pb_utils.get_model_dir(), name)))
        config.add_input({"name": "X", "data_type": "TYPE_FP32", "dims": [count]})
        config.add_output({"name": "Y", "data_type": "TYPE_FP32", "dims": [count]})
        config.add_output({"name": "ARGS", "data_type": "TYPE_STRING", "dims": [3]})
        return config

    def initialize(self, args):
        config = json.loads(args["model_config"])
        self.factors = reading.read(os.path.join(pb_utils.get_model_dir(), config["default_model_filename"]))
        names = [args["model_name"], args["model_version"], os.path.basename(args["model_repository"])]
        self.args = np.array([names], dtype=object)

    def execute(self, requests):
        return [self.answer(request.inputs()[0].as_numpy()) for request in requests]

    def answer(self, x):
        y = pb_utils.Tensor("Y", scale(x, self.factors))
        return pb_utils.InferenceResponse([y, pb_utils.Tensor("ARGS", np.repeat(self.args, len(x), axis=0))])
`;
const FILES = {
  'model.py': SCALE,
  'scaling.py': 'def scale(x, factors):\n    return x * factors\n',
  'reading.py':
    'import numpy as np\n\n\ndef read(path):\n    return np.loadtxt(path, dtype=np.float32, ndmin=1)\n',
  'negative.py': SCALE.replace('scale(x, self.factors)', '-scale(x, self.factors)'),
};
const MANIFEST = JSON.stringify({
  name: 'an-npm-package',
  version: '1.2.3',
  nereid: {
    backend: {
      name: 'scale',
      runtime: 'python',
      model: './python/model.py',
      formats: [{ platform: 'scale_text', defaultModelFilename: 'factors.txt' }],
    },
  },
});

let interpreter = '';
before(() => {
  interpreter = pythonVenv();
});

/** A folder for `--backend-directory`, beside the models. */
function writeBackend(
  repository: TemporaryRepository,
  folder: string,
  files: Readonly<Record<string, string>>,
): void {
  for (const [name, text] of Object.entries(files)) {
    const file = join(repository.path, '../backends', folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

function serve({ path }: TemporaryRepository, ...flags: readonly string[]): Promise<RunningServer> {
  const directory = join(path, '../backends');
  return startServer(
    path,
    `--backend-directory=${directory}`,
    `--backend-config=python,interpreter=${interpreter}`,
    ...flags,
  );
}

/** What a model says to these values: `Y`, and what it was told of itself. */
async function ask(server: RunningServer, model: string, values: readonly number[]): Promise<unknown> {
  const client = new HttpClient(server.http);
  try {
    const result = await client.infer(model, [
      InferInput.from('X', new Float32Array(values), [1, values.length]),
    ]);
    return [[...result.output('Y', 'FP32')], result.asStrings('ARGS')];
  } finally {
    await client.close();
  }
}

test('a folder with a model.py serves every model that has its name as backend', LIMIT, async () => {
  await using repository = makeRepository();
  writeBackend(repository, 'scale', FILES);
  const config = 'backend: "scale"\ndefault_model_filename: "factors"\n';
  repository.write('pair', { 'config.pbtxt': config, '1/factors': '2 3' });
  repository.write('single', { 'config.pbtxt': config, '7/factors': '10' });
  await using server = await serve(repository);
  assert.deepEqual(await ask(server, 'pair', [1, 1]), [
    [2, 3],
    ['pair', '1', 'pair'],
  ]);
  assert.deepEqual(await ask(server, 'single', [4]), [[40], ['single', '7', 'single']]);
});

test('a package without any JavaScript is a backend, known by its platform and file', LIMIT, async () => {
  await using repository = makeRepository();
  const python = Object.entries(FILES).map(([name, text]) => [`python/${name}`, text]);
  writeBackend(repository, 'package', { 'package.json': MANIFEST, ...Object.fromEntries(python) });
  repository.write('guessed', { '1/factors.txt': '2' });
  repository.write('by_platform', { 'config.pbtxt': 'platform: "scale_text"', '1/factors.txt': '3' });
  await using server = await serve(repository);
  assert.deepEqual(await ask(server, 'guessed', [5]), [[10], ['guessed', '1', 'guessed']]);
  assert.deepEqual(await ask(server, 'by_platform', [5]), [[15], ['by_platform', '1', 'by_platform']]);
});

test('the runtime of a model is another file of the backend', LIMIT, async () => {
  await using repository = makeRepository();
  writeBackend(repository, 'scale', FILES);
  const config = 'backend: "scale"\ndefault_model_filename: "factors"\nruntime: "negative.py"\n';
  repository.write('minus', { 'config.pbtxt': config, '1/factors': '2' });
  await using server = await serve(repository);
  assert.deepEqual(await ask(server, 'minus', [4]), [[-8], ['minus', '1', 'minus']]);
});

test('a runtime outside of the backend, or one that is not there, stops the load', LIMIT, async () => {
  await using repository = makeRepository();
  writeBackend(repository, 'scale', FILES);
  for (const [runtime, message] of [
    [
      '../scale/model.py',
      /runtime must be the name of a file of backend 'scale', found '\.\.\/scale\/model\.py'/,
    ],
    ['none.py', /model 'm' has no file .*scale\/none\.py/],
  ] as const) {
    repository.write('m', { 'config.pbtxt': `backend: "scale"\nruntime: "${runtime}"\n`, '1/factors': '2' });
    await assert.rejects(serve(repository), message);
  }
});

/** Says of each row how many rows were executed with it, plus an offset. */
const COUNT = `import json
import numpy as np
from nereid_backend import Parameter, answer_in_batches, read_parameters, warn_of_unused_parameters

PARAMETERS = {
    "offset": Parameter(float, default=0.0, minimum=0),
    "tile": Parameter(int, without_effect="only on GPUs"),
}


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        warn_of_unused_parameters(config, PARAMETERS)
        self.offset = read_parameters(config, PARAMETERS)["offset"]

    def execute(self, requests):
        return answer_in_batches(requests, self.run, batched=True)

    def run(self, inputs):
        x = inputs["X"]
        if (x < 0).any():
            raise ValueError("X is below 0")
        return {"Y": x + np.float32(self.offset), "ROWS": np.full_like(x, len(x))}
`;

function countConfig(...parameters: readonly (readonly [string, string])[]): string {
  const lines = parameters.map(
    ([key, value]) => `parameters { key: "${key}" value { string_value: "${value}" } }`,
  );
  return `backend: "count" max_batch_size: 8
input [ { name: "X" data_type: TYPE_FP32 dims: [ 1 ] } ]
output [ { name: "Y" data_type: TYPE_FP32 dims: [ 1 ] }, { name: "ROWS" data_type: TYPE_FP32 dims: [ 1 ] } ]
dynamic_batching { preferred_batch_size: [ 5 ] max_queue_delay_microseconds: 10000000 }
${lines.join('\n')}`;
}

test('requests that are executed together are one batch to the backend', LIMIT, async () => {
  await using repository = makeRepository();
  writeBackend(repository, 'count', { 'model.py': COUNT });
  repository.write('m', {
    'config.pbtxt': countConfig(['offset', '0.5'], ['tile', '4'], ['ofset', '1']),
    '1/.keep': '',
  });
  await using server = await serve(repository);
  const client = new HttpClient(server.http);
  try {
    const answers = await Promise.all(
      [[1, 2], [3], [4, 5]].map((rows) =>
        client.infer('m', [InferInput.from('X', new Float32Array(rows), [rows.length, 1])]),
      ),
    );
    assert.deepEqual(
      answers.map((answer) => [[...answer.output('Y', 'FP32')], [...answer.output('ROWS', 'FP32')]]),
      [
        [
          [1.5, 2.5],
          [5, 5],
        ],
        [[3.5], [5]],
        [
          [4.5, 5.5],
          [5, 5],
        ],
      ],
    );
  } finally {
    await client.close();
  }
  assert.match(server.output(), /model 'm': parameter 'tile' has no effect: only on GPUs/);
  assert.match(
    server.output(),
    /model 'm': parameter 'ofset' is not known to backend 'count', which has offset, tile/,
  );
});

/** Inputs of any length in one batch: each value doubled, and each request's sum, which only BOUNDS tell apart. */
const RAGGED = `import json
import numpy as np
from nereid_backend import answer_in_batches


class TritonPythonModel:
    def initialize(self, args):
        self.config = json.loads(args["model_config"])

    def execute(self, requests):
        return answer_in_batches(requests, self.run, batched=True, config=self.config)

    def run(self, inputs):
        bounds, values = inputs["BOUNDS"], inputs["X"]
        sums = [[values[start:end].sum()] for start, end in zip(bounds[:-1], bounds[1:])]
        extra = 1 if len(values) == 2 else 0
        return {"DOUBLED": np.resize(2 * values, len(values) + extra), "SUM": np.array(sums, np.float32)}
`;
const RAGGED_CONFIG = `backend: "ragged" max_batch_size: 8
input [ { name: "X" data_type: TYPE_FP32 dims: [ -1 ] allow_ragged_batch: true } ]
output [ { name: "DOUBLED" data_type: TYPE_FP32 dims: [ -1 ] }, { name: "SUM" data_type: TYPE_FP32 dims: [ 1 ] } ]
batch_input [ { kind: BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO target_name: "BOUNDS" data_type: TYPE_INT32 source_input: "X" } ]
batch_output [ { kind: BATCH_SCATTER_WITH_INPUT_SHAPE target_name: "DOUBLED" source_input: "X" } ]
dynamic_batching { preferred_batch_size: [ 3 ] max_queue_delay_microseconds: 10000000 }
`;

test('requests of different lengths are one batch to a backend that takes ragged inputs', LIMIT, async () => {
  await using repository = makeRepository();
  writeBackend(repository, 'ragged', { 'model.py': RAGGED });
  repository.write('m', { 'config.pbtxt': RAGGED_CONFIG, '1/.keep': '' });
  await using server = await serve(repository);
  const client = new HttpClient(server.http);
  const infer = (row: readonly number[]) =>
    client.infer('m', [InferInput.from('X', new Float32Array(row), [1, row.length])]);
  try {
    const answers = await Promise.all([[1, 2], [3], [4, 5, 6]].map(infer));
    assert.deepEqual(
      answers.map((answer) => [
        answer.tensor('DOUBLED').shape,
        [...answer.output('DOUBLED', 'FP32')],
        [...answer.output('SUM', 'FP32')],
      ]),
      [
        [[1, 2], [2, 4], [3]],
        [[1, 1], [6], [3]],
        [[1, 3], [8, 10, 12], [15]],
      ],
    );
    const [statistics] = await client.modelStatistics('m');
    assert.equal(Number(statistics?.execution_count), 1);
  } finally {
    await client.close();
  }
});

test('an output that is not as long as its batch_output wants fails with both lengths', LIMIT, async () => {
  await using repository = makeRepository();
  writeBackend(repository, 'ragged', { 'model.py': RAGGED });
  const config = RAGGED_CONFIG.replace(/dynamic_batching.*/, '');
  repository.write('m', { 'config.pbtxt': config, '1/.keep': '' });
  await using server = await serve(repository);
  const client = new HttpClient(server.http);
  try {
    await assert.rejects(
      client.infer('m', [InferInput.from('X', new Float32Array([1, 2]), [1, 2])]),
      /batch_output 'DOUBLED': expected 2 elements for shapes \[\[1, 2\]\], found 3/,
    );
  } finally {
    await client.close();
  }
});

/** Says what it was told by settings. */
const SETTINGS = {
  'model.py': `import json
import numpy as np
import triton_python_backend_utils as pb_utils
from nereid_backend import Parameter, backend_settings, read_parameters


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        config.set_max_batch_size(backend_settings()["rows"])
        config.add_input({"name": "X", "data_type": "TYPE_FP32", "dims": [1]})
        config.add_output({"name": "SAID", "data_type": "TYPE_STRING", "dims": [1]})
        return config

    def initialize(self, args):
        parameters = read_parameters(json.loads(args["model_config"]), {"threads": Parameter(int, default=7)})
        self.said = json.dumps([backend_settings(), parameters["threads"]])

    def execute(self, requests):
        said = pb_utils.Tensor("SAID", np.array([[self.said]], dtype=object))
        return [pb_utils.InferenceResponse([said]) for _ in requests]
`,
  'package.json': JSON.stringify({
    nereid: {
      backend: {
        name: 'settings',
        runtime: 'python',
        settings: {
          rows: { type: 'integer', default: 2, minimum: 1, description: 'max_batch_size' },
          threads: { type: 'integer', minimum: 1, description: 'threads, of models without this parameter' },
          scale: { type: 'number', default: 0.5, description: 'a number' },
          mode: { type: 'string', oneOf: ['fast', 'exact'], default: 'fast', description: 'a word' },
          quiet: { type: 'boolean', default: false, description: 'a choice' },
        },
      },
    },
  }),
};

async function askSettings(server: RunningServer, model: string): Promise<unknown> {
  const client = new HttpClient(server.http);
  try {
    const result = await client.infer(model, [InferInput.from('X', new Float32Array(1), [1, 1])]);
    const [said = ''] = result.asStrings('SAID');
    const { max_batch_size: rows } = await client.modelConfig(model);
    return [rows, ...(JSON.parse(said) as unknown[])];
  } finally {
    await client.close();
  }
}

test(
  'settings of a backend reach its model.py, and are the parameters that a model leaves out',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    writeBackend(repository, 'settings', SETTINGS);
    repository.write('plain', { 'config.pbtxt': 'backend: "settings"', '1/.keep': '' });
    const parameter = 'parameters { key: "threads" value { string_value: "3" } }';
    repository.write('own', { 'config.pbtxt': `backend: "settings"\n${parameter}`, '1/.keep': '' });
    {
      await using server = await serve(repository);
      const settings = { rows: 2, threads: null, scale: 0.5, mode: 'fast', quiet: false };
      assert.deepEqual(await askSettings(server, 'plain'), [2, settings, 7]);
    }
    const given = [
      'rows=5',
      'threads=4',
      'scale=2',
      'mode=exact',
      'quiet=TRUE',
      'heartbeat-timeout-seconds=20',
    ];
    const flags = given.map((setting) => `--backend-config=settings,${setting}`);
    await using server = await serve(repository, ...flags);
    const settings = { rows: 5, threads: 4, scale: 2, mode: 'exact', quiet: true };
    assert.deepEqual(await askSettings(server, 'plain'), [5, settings, 4]);
    assert.deepEqual(await askSettings(server, 'own'), [5, settings, 3]);
  },
);

test('a setting that a backend does not have, or a wrong value, stops the start', LIMIT, async () => {
  await using repository = makeRepository();
  writeBackend(repository, 'settings', SETTINGS);
  repository.write('m', { 'config.pbtxt': 'backend: "settings"', '1/.keep': '' });
  for (const [setting, message] of [
    ['settings,thread=4', /backend 'settings' has no setting 'thread' .*: it has .*interpreter, .*threads/],
    ['settings,rows=0', /backend 'settings', setting 'rows': expected an integer of at least 1, found '0'/],
    ['python,stub-timeout=9', /backend 'python' has no setting 'stub-timeout'/],
  ] as const) {
    const flag = `--backend-config=${setting}`;
    if (setting.startsWith('python')) repository.write('m', { 'config.pbtxt': 'backend: "python"' });
    await assert.rejects(serve(repository, flag), message);
  }
});

test("settings of Triton's that do nothing here are accepted, and the log says so", LIMIT, async () => {
  await using repository = makeRepository();
  writeBackend(repository, 'settings', SETTINGS);
  repository.write('m', { 'config.pbtxt': 'backend: "settings"', '1/.keep': '' });
  await using server = await serve(repository, '--backend-config=python,shm-default-byte-size=5242880');
  assert.match(
    server.output(),
    /setting 'shm-default-byte-size': no effect: tensors travel in files of memory/,
  );
});

test('nereid backends lists the settings of each backend once', LIMIT, async () => {
  await using repository = makeRepository();
  writeBackend(repository, 'settings', SETTINGS);
  const { status, output } = await runNereid(
    'backends',
    `--backend-directory=${join(repository.path, '../backends')}`,
  );
  assert.equal(status, 0);
  assert.match(output, /\| settings,rows= +\| an integer of at least 1 +\| 2 +\| max_batch_size +\|/);
  assert.match(output, /python,interpreter=/);
  assert.doesNotMatch(output, /settings,interpreter=/);
});

test('a parameter outside of its limits stops the load with its name', LIMIT, async () => {
  await using repository = makeRepository();
  writeBackend(repository, 'count', { 'model.py': COUNT });
  repository.write('m', { 'config.pbtxt': countConfig(['offset', '-1']), '1/.keep': '' });
  await assert.rejects(
    serve(repository),
    /model 'm', parameter 'offset': expected a number of at least 0, found '-1'/,
  );
});

test('what a batch raises is the error of its requests, and the next batch is answered', LIMIT, async () => {
  await using repository = makeRepository();
  writeBackend(repository, 'count', { 'model.py': COUNT });
  repository.write('m', { 'config.pbtxt': countConfig(), '1/.keep': '' });
  await using server = await serve(repository);
  const client = new HttpClient(server.http);
  const infer = (rows: readonly number[]) =>
    client.infer('m', [InferInput.from('X', new Float32Array(rows), [rows.length, 1])]);
  try {
    await assert.rejects(infer([1, 2, 3, 4, -1]), /X is below 0/);
    assert.deepEqual([...(await infer([1, 2, 3, 4, 5])).output('Y', 'FP32')], [1, 2, 3, 4, 5]);
  } finally {
    await client.close();
  }
});
