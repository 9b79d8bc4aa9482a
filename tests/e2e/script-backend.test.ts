/** Models in TypeScript, on a whole server: what they see of it, and how they call other models. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrpcClient, HttpClient, InferInput } from '@nereid/client';
import { createServer, type Server, type ServerOptions } from '@nereid/core';
import { InferenceServerError } from '@nereid/protocol';
import { makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };

/** Calls `target`, for each element of X with a request of its own. */
const CALLER = `
  import { defineModel } from '@nereid/backend-script';

  export default defineModel({
    config: {
      input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [-1] }],
      output: [{ name: 'Y', data_type: 'TYPE_INT32', dims: [-1] }, { name: 'ROWS', data_type: 'TYPE_INT32', dims: [-1] }],
    },
    async execute(request, { infer }) {
      const calls = Array.from(request.input('X').values('INT32'), (value) =>
        infer({ model: 'target', inputs: { X: { shape: [1, 1], values: Int32Array.of(value) } } }),
      );
      const answers = await Promise.all(calls);
      return {
        outputs: {
          Y: answers.map((answer) => answer.output('Y').toNumbers()[0] ?? 0),
          ROWS: answers.map((answer) => answer.output('ROWS').toNumbers()[0] ?? 0),
        },
      };
    },
  });
`;

/** Doubles X and tells the size of its batch. */
const TARGET = `
  import { defineModel, InferenceServerError } from '@nereid/backend-script';

  export default defineModel({
    config: {
      max_batch_size: 2,
      input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [1] }],
      output: [{ name: 'Y', data_type: 'TYPE_INT32', dims: [1] }, { name: 'ROWS', data_type: 'TYPE_INT32', dims: [1] }],
      dynamic_batching: { preferred_batch_size: [2], max_queue_delay_microseconds: 5_000_000 },
    },
    executeBatch(requests) {
      return requests.map((request) => {
        const [value = 0] = request.input('X').values('INT32');
        if (value < 0) return new InferenceServerError('UNAVAILABLE', 'no negative numbers today');
        return { outputs: { Y: value * 2, ROWS: requests.length } };
      });
    },
  });
`;

test('two calls of a model form one batch of the model they call, and are counted there', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('caller', { '1/model.ts': CALLER });
  repository.write('target', { '1/model.ts': TARGET });
  await using server = await start(repository);
  const { outputs } = await server.infer({ modelName: 'caller', inputs: [numbers('X', 3, 4)] });
  assert.deepEqual(
    outputs.map(({ data }) => [...new Int32Array(Uint8Array.from(data).buffer)]),
    [
      [6, 8],
      [2, 2],
    ],
  );
  const [statistics] = server.management.statistics('target', '');
  assert.equal(statistics?.inference_count, 2);
  assert.equal(statistics?.execution_count, 1);
});

test('the error of a called model comes back with its own code', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('caller', { '1/model.ts': CALLER });
  repository.write('target', { '1/model.ts': TARGET });
  await using server = await start(repository);
  await assert.rejects(
    server.infer({ modelName: 'caller', inputs: [numbers('X', -1, -2)] }),
    isError('UNAVAILABLE', /no negative numbers today/),
  );
});

test('a call of a model that is not there fails with NOT_FOUND', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('caller', { '1/model.ts': CALLER });
  await using server = await start(repository);
  await assert.rejects(
    server.infer({ modelName: 'caller', inputs: [numbers('X', 1)] }),
    isError('NOT_FOUND', /target/),
  );
});

/** Calls itself, and waits for an instance that it holds itself. */
const CIRCLE = `
  import { defineModel } from '@nereid/backend-script';

  export default defineModel({
    config: {
      input: [{ name: 'LIMIT_US', data_type: 'TYPE_INT32', dims: [1] }],
      output: [{ name: 'Y', data_type: 'TYPE_INT32', dims: [1] }],
    },
    async execute(request, { infer }) {
      const [timeoutUs] = request.input('LIMIT_US').values('INT32');
      const answer = await infer({ model: 'circle', timeoutUs, inputs: { LIMIT_US: request.input('LIMIT_US') } });
      return { outputs: { Y: answer.output('Y') } };
    },
  });
`;

for (const [name, callUs, requestUs] of [
  ['its timeoutUs', 200_000, 0],
  ['the timeout of the request it is made for', 0, 200_000],
] as const) {
  test(`a call of a model to itself is ended by ${name}`, LIMIT, async () => {
    await using repository = makeRepository();
    repository.write('circle', { '1/model.ts': CIRCLE });
    await using server = await start(repository);
    const inputs = [numbers('LIMIT_US', callUs)];
    await assert.rejects(
      server.infer({ modelName: 'circle', inputs, timeoutUs: requestUs }),
      isError(
        'UNAVAILABLE',
        /the call of model 'circle' was given up: expected its end within \d+ microseconds/,
      ),
    );
  });
}

/** Answers when it is cancelled: that many times it was, and what time it was left. */
const PATIENT = `
  import { setTimeout } from 'node:timers/promises';
  import { defineModel, InferenceServerError } from '@nereid/backend-script';

  let cancelled = 0;
  export default defineModel({
    config: {
      input: [{ name: 'WAIT', data_type: 'TYPE_INT32', dims: [1] }],
      output: [{ name: 'CANCELLED', data_type: 'TYPE_INT32', dims: [1] }, { name: 'LEFT_MS', data_type: 'TYPE_FP64', dims: [1] }],
    },
    async execute(request) {
      if (request.input('WAIT').toNumbers()[0] === 1) {
        await setTimeout(60_000, undefined, { signal: request.signal }).catch(() => undefined);
        cancelled += 1;
        throw new InferenceServerError('CANCELLED', 'stopped waiting');
      }
      return { outputs: { CANCELLED: cancelled, LEFT_MS: (request.deadline ?? Infinity) - Date.now() } };
    },
  });
`;

/** Passes its request on to `patient`. */
const PASS_ON = `
  import { defineModel } from '@nereid/backend-script';

  export default defineModel({
    config: {
      input: [{ name: 'WAIT', data_type: 'TYPE_INT32', dims: [1] }],
      output: [{ name: 'CANCELLED', data_type: 'TYPE_INT32', dims: [1] }, { name: 'LEFT_MS', data_type: 'TYPE_FP64', dims: [1] }],
    },
    async execute(request, { infer }) {
      const { outputs } = await infer({ model: 'patient', inputs: { WAIT: request.input('WAIT') } });
      return { outputs: Object.fromEntries(outputs.map((output) => [output.name, output])) };
    },
  });
`;

test('a cancelled request cancels what its model called', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('patient', { '1/model.ts': PATIENT });
  repository.write('pass_on', { '1/model.ts': PASS_ON });
  await using server = await start(repository);
  const controller = new AbortController();
  const waiting = server.infer({
    modelName: 'pass_on',
    inputs: [numbers('WAIT', 1)],
    signal: controller.signal,
  });
  controller.abort();
  await assert.rejects(waiting, isError('CANCELLED', /./));
  const { outputs } = await server.infer({ modelName: 'patient', inputs: [numbers('WAIT', 0)] });
  assert.equal(new DataView(Uint8Array.from(outputs[0]?.data ?? []).buffer).getInt32(0, true), 1);
});

test('what is left of the timeout of a request goes along with its calls', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('patient', { '1/model.ts': PATIENT });
  repository.write('pass_on', { '1/model.ts': PASS_ON });
  await using server = await start(repository);
  const { outputs } = await server.infer({
    modelName: 'pass_on',
    inputs: [numbers('WAIT', 0)],
    timeoutUs: 50_000_000,
  });
  const left = outputs.find(({ name }) => name === 'LEFT_MS');
  const leftMs = new DataView(Uint8Array.from(left?.data ?? []).buffer).getFloat64(0, true);
  assert.ok(leftMs > 0 && leftMs <= 50_000, `${leftMs} ms`);
});

test('a model reads the stream of a decoupled one', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('count_up', {
    '1/model.js': `
      export default {
        config: {
          input: [{ name: 'N', data_type: 'TYPE_INT32', dims: [1] }],
          output: [{ name: 'I', data_type: 'TYPE_INT32', dims: [1] }],
          model_transaction_policy: { decoupled: true },
        },
        *execute(request) {
          const [n] = request.input('N').toNumbers();
          for (let i = 1; i <= n; i += 1) yield { outputs: { I: i } };
        },
      };`,
    'config.pbtxt': 'backend: "script"',
  });
  repository.write('sum', {
    '1/model.ts': `
      import { defineModel } from '@nereid/backend-script';
      export default defineModel({
        config: {
          input: [{ name: 'N', data_type: 'TYPE_INT32', dims: [1] }],
          output: [{ name: 'SUM', data_type: 'TYPE_INT32', dims: [1] }],
        },
        async execute(request, { stream }) {
          let sum = 0;
          for await (const response of stream({ model: 'count_up', inputs: { N: request.input('N') } })) {
            sum += response.output('I').toNumbers()[0] ?? 0;
          }
          return { outputs: { SUM: sum } };
        },
      });`,
  });
  await using server = await start(repository);
  const { outputs } = await server.infer({ modelName: 'sum', inputs: [numbers('N', 4)] });
  assert.deepEqual([...(outputs[0]?.data ?? [])], [10, 0, 0, 0]);
});

test('a model loads and unloads others, and knows whether they are ready', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('other', { '1/model.ts': CALLER });
  repository.write('manager', {
    '1/model.ts': `
      import { defineModel } from '@nereid/backend-script';
      export default defineModel({
        config: {
          input: [{ name: 'GO', data_type: 'TYPE_BOOL', dims: [1] }],
          output: [{ name: 'SEEN', data_type: 'TYPE_BOOL', dims: [3] }],
        },
        async execute(request, { isModelReady, loadModel, unloadModel }) {
          const before = await isModelReady('other');
          await loadModel('other');
          const loaded = await isModelReady('other', 1);
          await unloadModel('other');
          return { outputs: { SEEN: [before, loaded, await isModelReady('other')] } };
        },
      });`,
  });
  await using server = await start(repository, {
    modelControlMode: 'explicit',
    loadModel: ['manager'],
  });
  const { outputs } = await server.infer({
    modelName: 'manager',
    inputs: [InferInput.from('GO', [true], [1])],
  });
  assert.deepEqual([...(outputs[0]?.data ?? [])], [0, 1, 0]);
});

/** Answers its own text, or fails on line 7. */
const greeting = (text: string): string => `
  export default {
    config: {
      input: [{ name: 'FAIL', data_type: 'TYPE_BOOL', dims: [1] }],
      output: [{ name: 'TEXT', data_type: 'TYPE_STRING', dims: [1] }],
    },
    execute(request) { if (request.input('FAIL').values()[0] === 1) throw new Error('failed on purpose');
      return { outputs: { TEXT: '${text}' } };
    },
  };
`;

test(
  'the command serves a model without a configuration, and a changed file after a load',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    repository.write('greeting', { '1/model.ts': greeting('hello') });
    await using server = await startServer(
      repository.path,
      '--model-control-mode=explicit',
      '--load-model=greeting',
    );
    await using control = clientOf(server);
    const { client } = control;
    assert.deepEqual((await client.infer('greeting', [flag(false)])).asStrings('TEXT'), ['hello']);
    repository.write('greeting', { '1/model.ts': greeting('good evening') });
    await client.loadModel('greeting');
    assert.deepEqual((await client.infer('greeting', [flag(false)])).asStrings('TEXT'), ['good evening']);
    repository.write('greeting', { '1/model.ts': 'export default {\n  execute( { }\n' });
    await assert.rejects(client.loadModel('greeting'), /SyntaxError: .* \(1\/model\.ts:2\)/);
    assert.deepEqual((await client.infer('greeting', [flag(false)])).asStrings('TEXT'), ['good evening']);
  },
);

/** Sums up a sequence, and says what limits the client set. Needs no `config.pbtxt`. */
const SUM = `
  export default {
    config: {
      max_batch_size: 4,
      input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [1] }],
      output: [{ name: 'SUM', data_type: 'TYPE_INT32', dims: [1] }],
      sequence_batching: {
        max_sequence_idle_microseconds: 20_000_000,
        state: [{
          input_name: 'SO_FAR', output_name: 'NEXT', data_type: 'TYPE_INT32', dims: [1],
          initial_state: [{ name: 'zero', data_type: 'TYPE_INT32', dims: [1], zero_data: true }],
        }],
      },
    },
    execute(request) {
      const [sum] = request.input('SO_FAR').values('INT32').map((before) => before + request.input('X').values('INT32')[0]);
      return { outputs: { SUM: sum, NEXT: sum } };
    },
  };
`;

test('a model says itself that it takes sequences', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('sum', { '1/model.ts': SUM });
  await using server = await start(repository, { modelControlMode: 'explicit', loadModel: ['*'] });
  const step = async (id: number, value: number, flags: { start?: boolean; end?: boolean } = {}) => {
    const sequence = { id, start: false, end: false, ...flags };
    const inputs = [{ ...numbers('X', value), shape: [1, 1] }];
    const { outputs } = await server.infer({ modelName: 'sum', inputs, sequence });
    return outputs.map(({ data }) => [...new Int32Array(Uint8Array.from(data).buffer)]).flat();
  };
  assert.deepEqual(await step(1, 5, { start: true }), [5]);
  assert.deepEqual(await step(2, 70, { start: true }), [70]);
  // More instances: the sequences stay where they are, beside the model that is loaded anew.
  repository.write('sum', {
    '1/model.ts': SUM,
    'config.pbtxt': 'backend: "script" instance_group { count: 2 kind: KIND_CPU }',
  });
  await server.management.loadModel('sum', {});
  assert.equal(server.management.modelConfig('sum', '').instance_group[0]?.count, 2);
  assert.deepEqual(await step(1, 6, { end: true }), [11]);
  assert.deepEqual(await step(2, 8, { end: true }), [78]);
});

/** What a request says of its limits. */
const LIMITS = `
  export default {
    config: {
      max_batch_size: 1,
      input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [1] }],
      output: [{ name: 'SEEN', data_type: 'TYPE_FP64', dims: [2] }],
    },
    execute: ({ priority, deadline }) => ({ outputs: { SEEN: [priority, deadline === undefined ? -1 : deadline - Date.now()] } }),
  };
`;

test('a model sees the priority of a request, and when its client stops waiting', LIMIT, async () => {
  await using repository = makeRepository();
  const levels = 'backend: "script" dynamic_batching { priority_levels: 3 default_priority_level: 2 }';
  repository.write('leveled', { '1/model.ts': LIMITS, 'config.pbtxt': levels });
  repository.write('plain', { '1/model.ts': LIMITS });
  await using server = await startServer(repository.path);
  const clients = [new HttpClient(server.http), new GrpcClient(server.grpc)];
  const input = InferInput.from('X', Int32Array.of(0), [1, 1]);
  try {
    for (const client of clients) {
      const seen = async (model: string, options: { priority?: number; timeoutUs?: number } = {}) => {
        const result = await client.infer(model, [input], options);
        return [...result.output('SEEN', 'FP64')];
      };
      assert.deepEqual(await seen('leveled', { priority: 3 }), [3, -1]);
      assert.deepEqual(await seen('leveled'), [2, -1]);
      // Without levels priorities mean nothing.
      assert.deepEqual(await seen('plain', { priority: 3 }), [0, -1]);
      assert.deepEqual(await seen('plain'), [0, -1]);
      const [, leftMs = 0] = await seen('plain', { timeoutUs: 50_000_000 });
      assert.ok(leftMs > 0 && leftMs <= 50_000, `${leftMs} ms left of 50 s`);
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
});

test('a thrown error tells its place in the answer and in the log', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('greeting', { '1/model.ts': greeting('hello') });
  await using server = await startServer(repository.path);
  await using control = clientOf(server);
  const { client } = control;
  await assert.rejects(client.infer('greeting', [flag(true)]), /failed on purpose \(1\/model\.ts:7:\d+\)/);
  assert.match(server.output(), /model 'greeting': failed on purpose \(1\/model\.ts:7:\d+\)/);
});

function clientOf({ http }: RunningServer): AsyncDisposable & { readonly client: HttpClient } {
  const client = new HttpClient(http);
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

function flag(value: boolean): InferInput {
  return InferInput.from('FAIL', [value], [1]);
}

function start(repository: TemporaryRepository, options: Partial<ServerOptions> = {}): Promise<Server> {
  return createServer({ modelRepository: [repository.path], logInfo: false, logError: false, ...options });
}

function numbers(name: string, ...values: readonly number[]): InferInput {
  return InferInput.from(name, Int32Array.from(values), [values.length]);
}

function isError(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => InferenceServerError.is(error) && error.code === code && message.test(error.message);
}
