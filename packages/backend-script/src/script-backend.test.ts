import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { createTensor, decodeStrings, tensorView } from '@nereid/backend-sdk';
import { createTestHost, describeBackend, type TestHost, type TestModel } from '@nereid/backend-sdk/testing';
import { createScriptBackend } from './script-backend.ts';

const backend = createScriptBackend(pathToFileURL(join(import.meta.dirname, 'index.ts')).href);

const ADD_ONE = `
  import { defineModel } from '@nereid/backend-script';
  export default defineModel({
    config: {
      max_batch_size: 8,
      input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [2] }],
      output: [{ name: 'Y', data_type: 'TYPE_FP32', dims: [2] }, { name: 'N', data_type: 'TYPE_STRING', dims: [1] }],
    },
    execute(request) {
      const x = request.input('X').values('FP32');
      if (x[0] === -1) throw new RangeError('too small');
      return {
        outputs: {
          Y: x.map((value) => value + 1),
          N: Array.from({ length: request.batchSize }, (_, row) => \`\${x[2 * row]}\`),
        },
      };
    },
  });
`;

const COUNT_UP = `
  export default {
    config: {
      input: [{ name: 'N', data_type: 'TYPE_INT32', dims: [1] }],
      output: [{ name: 'I', data_type: 'TYPE_INT32', dims: [1] }],
      model_transaction_policy: { decoupled: true },
    },
    async *execute(request) {
      const [n] = request.input('N').values('INT32');
      for (let i = 0; i < n; i += 1) yield { outputs: { I: i } };
    },
  };
`;

const MISSPELT = `
  export default {
    config: { input: [{ name: 'A', data_type: 'TYPE_INT23', dims: [1] }] },
    execute() {},
  };
`;

const TOO_MANY = `
  export default {
    config: { output: [{ name: 'B', data_type: 'TYPE_INT32', dims: [2] }] },
    execute: () => ({ outputs: { B: [1, 2, 3] } }),
  };
`;

const MANY_INSTANCES = `
  export default {
    config: { instance_group: [{ count: 4 }] },
    execute() {},
  };
`;

/** Gives its request back with the state that its parameter names: by name, in a list, or under a name of its own. */
const STEPS = `
  export default {
    config: {
      input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [1] }],
      output: [{ name: 'Y', data_type: 'TYPE_INT32', dims: [1] }],
      model_transaction_policy: { decoupled: true },
      sequence_batching: {
        iterative_sequence: true,
        state: [{ input_name: 'SI', output_name: 'SO', data_type: 'TYPE_INT32', dims: [1] }],
      },
    },
    execute(request) {
      const states = { named: { SO: 5 }, listed: [Int32Array.of(5)], other: { Y: 5 } };
      request.reschedule(states[request.parameters.form]);
    },
  };
`;

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'script-backend-'));
  await write('add_one/1/model.ts', ADD_ONE);
  await write('count_up/1/model.js', COUNT_UP);
  await write('too_many/1/model.js', TOO_MANY);
  await write('many_instances/1/model.js', MANY_INSTANCES);
  await write('misspelt/1/model.js', MISSPELT);
  await write('steps/1/model.js', STEPS);
  await write('syntax/1/model.ts', 'export default {\n  execute( { }\n');
});

after(() => rm(folder, { recursive: true }));

describeBackend('script backend conformance', {
  backend,
  model: {
    config: { name: 'add_one' },
    get directory() {
      return join(folder, 'add_one');
    },
  },
  broken: {
    config: { name: 'syntax' },
    get directory() {
      return join(folder, 'syntax');
    },
  },
  request: (index) => ({
    inputs: [
      createTensor('X', 'FP32', [1 + (index % 2), 2], new Float32Array(2 + 2 * (index % 2)).fill(index)),
    ],
  }),
  failing: {
    model: {
      config: { name: 'add_one' },
      get directory() {
        return join(folder, 'add_one');
      },
    },
    request: { inputs: [createTensor('X', 'FP32', [1, 2], Float32Array.of(-1, 0))] },
  },
  decoupled: {
    model: {
      config: { name: 'count_up' },
      get directory() {
        return join(folder, 'count_up');
      },
    },
    request: { inputs: [createTensor('N', 'INT32', [1], Int32Array.of(3))] },
  },
});

describe('a model in TypeScript', () => {
  it('computes outputs in the datatypes of its configuration', () =>
    withModel('add_one', async (model) => {
      const [request] = await model.run([{ inputs: [floats('X', 1, 2, 3, 4)] }]);
      assert.deepEqual([...tensorView(request?.output('Y') ?? floats('Y'), 'FP32')], [2, 3, 4, 5]);
      assert.deepEqual(request?.output('Y').shape, [2, 2]);
      assert.deepEqual(decodeStrings(request?.output('N') ?? floats('N')), ['1', '3']);
    }));

  it('names the place of what it threw, and logs the stack', () =>
    withModel('add_one', async (model, host) => {
      const [good, bad] = await model.run([
        { inputs: [floats('X', 1, 2)] },
        { inputs: [floats('X', -1, 2)] },
      ]);
      assert.equal(good?.responses[0]?.error, undefined);
      assert.equal(bad?.responses[0]?.error?.code, 'INTERNAL');
      assert.equal(bad?.responses[0]?.error?.message, 'RangeError: too small (1/model.ts:11:30)');
      assert.match(host.logs.at(-1)?.message ?? '', /model 'add_one': RangeError: too small/);
    }));

  it('answers with as many responses as its generator yields', () =>
    withModel('count_up', async (model) => {
      const [request] = await model.run([{ inputs: [createTensor('N', 'INT32', [1], Int32Array.of(3))] }]);
      const values = request?.responses.flatMap(({ outputs: [tensor] }) =>
        tensor === undefined ? [] : [...tensorView(tensor, 'INT32')],
      );
      assert.deepEqual(values, [0, 1, 2]);
    }));

  it('is refused for a datatype that there is not, as config.pbtxt would be', () =>
    assert.rejects(
      withModel('misspelt', () => Promise.resolve()),
      {
        code: 'INVALID_ARG',
        message:
          /^misspelt\/1\/model\.js: config: .*'TYPE_INT23'.*'input\[0\]\.data_type'.*did you mean 'TYPE_INT32'/,
      },
    ));

  it('is refused for a field that is not for the model to say', () =>
    assert.rejects(
      withModel('many_instances', () => Promise.resolve()),
      {
        code: 'INVALID_ARG',
        message:
          /^many_instances\/1\/model\.js: config: 'instance_group' can't be said .*: put it into config\.pbtxt$/,
      },
    ));

  it('is named when its output has another number of elements than its configuration says', () =>
    withModel('too_many', async (model) => {
      const [request] = await model.run([{ inputs: [] }]);
      const { code, message } = request?.responses[0]?.error ?? {};
      assert.equal(code, 'INTERNAL');
      assert.equal(
        message,
        "wrong output of model 'too_many': tensor 'B': shape [2] holds 2 elements, found 3",
      );
    }));

  it('gives a request back with states by name, and refuses any other form', () =>
    withModel('steps', async (model) => {
      const inputs = [createTensor('X', 'INT32', [1], Int32Array.of(1))];
      const [named, listed, other] = await model.run(
        ['named', 'listed', 'other'].map((form) => ({ inputs, iterative: true, parameters: { form } })),
      );
      assert.deepEqual(named?.responses, []);
      const states = named?.rescheduled?.map((state) => [state.name, ...tensorView(state, 'INT32')]);
      assert.deepEqual(states, [['SO', 5]]);
      assert.match(
        listed?.responses[0]?.error?.message ?? '',
        /rescheduled a request with a list: expected state outputs by name, as in reschedule\(\{ STATE: values \}\).* are 'SO'/,
      );
      assert.match(
        other?.responses[0]?.error?.message ?? '',
        /rescheduled a request with 'Y': expected state/,
      );
    }));

  it('names file and line of a syntax error', () =>
    assert.rejects(
      withModel('syntax', () => Promise.resolve()),
      {
        code: 'INTERNAL',
        message: /^SyntaxError: Expected ',', got '<eof>' \(1\/model\.ts:2\)$/,
      },
    ));
});

function floats(name: string, ...values: readonly number[]) {
  return createTensor(name, 'FP32', [values.length / 2, 2], Float32Array.from(values));
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

async function withModel(
  name: string,
  use: (model: TestModel, host: TestHost) => Promise<unknown>,
): Promise<void> {
  const host = await createTestHost(backend);
  try {
    await use(await host.load({ config: { name }, directory: join(folder, name) }), host);
  } finally {
    await host.close();
  }
}
