/** One suite for every place where instances run. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createNoModelAccess, type InstanceHostKind } from '@nereid/backend-sdk';
import type { Tensor } from '@nereid/protocol';
import { createModelConfig, type ModelConfig } from '@nereid/protocol/model-config';
import { buildRequest, fp32, type RecordedRequest } from '../../test/build-request.ts';
import { loadSharedMemory } from '@nereid/shared-memory';
import { loadBackend, type BackendSource } from '../backend/load-backend.ts';
import { openRegionMemory } from '../memory/open-region-memory.ts';
import { SharedMemoryRegistry } from '../memory/shared-memory-registry.ts';
import type { InferenceRequestFields } from '../request/inference-request.ts';
import type { ServerLogFields } from '../telemetry/logger.ts';
import { BackendMetrics } from '../telemetry/metrics.ts';
import { collectingTracer } from '../telemetry/testing/collecting-tracer.ts';
import type { RequestTrace } from '../telemetry/trace.ts';
import { Exposition } from '../telemetry/exposition.ts';
import { BackendHost } from './backend-host.ts';
import { ExecutorHost } from './executor-host.ts';
import { ExecutorPool } from './executor-pool.ts';
import { InProcessHost } from './in-process-host.ts';
import type { HostedInstance, InstanceHost, ModelSpec } from './instance-host.ts';

const FAKE_BACKEND: BackendSource = {
  entry: new URL('../../test/fixtures/fake-backend.ts', import.meta.url).href,
  folder: undefined,
};

function traceOf(requestId: string): RequestTrace | undefined {
  const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceState: 'vendor=1' };
  return collectingTracer().tracer.start({ modelName: 'm', modelVersion: '1', requestId, context });
}

/** By how much the clocks of two processes may differ. */
const CLOCK_ERROR_NS = 50e6;

const onLinux = { skip: process.platform !== 'linux' && 'the addon may be missing here' };

const KINDS: readonly InstanceHostKind[] = ['in-process', 'executor-thread', 'own-thread', 'child-process'];

function configOf(mode: string, decoupled = false): ModelConfig {
  return createModelConfig({
    name: 'm',
    backend: 'fake',
    max_batch_size: 4,
    input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [-1] }],
    output: [{ name: 'X', data_type: 'TYPE_FP32', dims: [-1] }],
    parameters: { mode: { string_value: mode } },
    model_transaction_policy: { decoupled },
  });
}

interface Execution {
  readonly requests: readonly RecordedRequest[];
  readonly failed: boolean;
  /** Of the requests that were rescheduled. */
  readonly states: readonly (readonly Tensor[])[];
}

for (const kind of KINDS) {
  describe(`instances run ${kind}`, () => {
    const lines: string[] = [];
    const logger = () => ({
      verbose: () => {},
      info: (message: string, { requestId, traceId }: ServerLogFields = {}) =>
        void lines.push([message, requestId, traceId].filter(Boolean).join(' | ')),
      warning: () => {},
      error: () => {},
    });
    const metrics = new BackendMetrics([], assert.ifError);
    const reportProgress = (key: string, text: string): void => void lines.push(`${key}: ${text}`);
    const pool = new ExecutorPool(2, { logger, metrics, reportProgress });
    const backends = new BackendHost({
      loadBackend,
      logger,
      metrics,
      models: () => createNoModelAccess('none'),
      reportProgress,
    });
    let models = 0;
    after(() => pool.close());

    function createHost(config: ModelConfig): InstanceHost {
      const spec: ModelSpec = {
        key: `m#${models++}`,
        backendSource: FAKE_BACKEND,
        backendName: 'fake',
        backendSettings: {},
        modelName: 'm',
        modelNamespace: '',
        modelVersion: '1',
        modelDirectory: '/models/m',
        versionDirectory: '/models/m/1',
        config,
      };
      return kind === 'in-process'
        ? new InProcessHost(backends, spec)
        : new ExecutorHost(pool, spec, { kind });
    }

    async function withInstance(
      config: ModelConfig,
      use: (instance: HostedInstance) => Promise<void>,
    ): Promise<void> {
      const host = createHost(config);
      const instance = await host.createInstance({
        instanceName: 'm_0_0',
        kind: 'KIND_CPU',
        deviceId: 0,
        config,
      });
      await use(instance);
      await instance.close();
      await host.close();
    }

    /** Executes a batch and waits for its end. */
    async function execute(
      instance: HostedInstance,
      batch: readonly Partial<InferenceRequestFields>[],
      onStart: (requests: readonly RecordedRequest[]) => void = () => {},
    ): Promise<Execution> {
      const requests = batch.map((fields) => buildRequest(fields));
      const states: (readonly Tensor[])[] = [];
      let open = requests.length;
      let failed = false;
      await new Promise<void>((resolve) => {
        let isDone = false;
        const finish = (): void => {
          if (isDone && open === 0) resolve();
        };
        instance.execute(
          requests.map(({ request }) => request),
          {
            onResponse: (index, response, final) => {
              requests[index]?.request.respond(response, final);
              if (final) open -= 1;
              finish();
            },
            onReschedule: (_index, tensors) => {
              states.push(tensors);
              open -= 1;
              finish();
            },
            onDone: (_times, threw) => {
              isDone = true;
              failed = threw;
              finish();
            },
          },
        );
        onStart(requests);
      });
      return { requests, failed, states };
    }

    for (const decoupled of [false, true]) {
      test(`gives a rescheduled request back with its states (decoupled: ${decoupled})`, async () => {
        const batching = { iterative_sequence: true };
        const config = createModelConfig({ ...configOf('again', decoupled), sequence_batching: batching });
        await withInstance(config, async (instance) => {
          const { requests, states } = await execute(
            instance,
            [1, 2].map((value) => ({
              inputs: [fp32('X', [1, 1], [value])],
              parameters: decoupled ? { decoupled } : {},
            })),
          );
          assert.deepEqual(
            states.map((tensors) => tensors.map(({ name, data }) => [name, ...data])),
            [1, 2].map((value) => [['X', ...fp32('X', [1], [value]).data]]),
          );
          const answers = requests.map(({ responses }) => responses.length);
          assert.deepEqual(answers, decoupled ? [1, 1] : [0, 0]);
        });
      });
    }

    test('refuses to reschedule a request of a model that is not iterative', async () => {
      await withInstance(configOf('again'), async (instance) => {
        const { requests } = await execute(instance, [{}]);
        assert.match(requests[0]?.errors().join() ?? '', /backend 'fake' .*'m'.*'iterative_sequence: true'/);
      });
    });

    test('reads inputs out of shared memory, alone and in a batch', onLinux, async () => {
      const memory = loadSharedMemory();
      const key = `/nereid-hosts-${process.pid}-${kind}`;
      using own = memory.create(key, 8192);
      const registry = new SharedMemoryRegistry({ isAllowed: true, open: openRegionMemory });
      registry.registerSystem({ name: 'r', key, offset: 4096, byteSize: 4096 });
      memory.unlink(key);
      const input = (offset: number): Partial<InferenceRequestFields> => {
        const sharedMemory = registry.lease();
        const data = sharedMemory.bytes({ region: 'r', offset, byteSize: 4 });
        return { sharedMemory, inputs: [{ name: 'X', datatype: 'FP32', shape: [1, 1], data }] };
      };
      await withInstance(configOf('echo'), async (instance) => {
        for (const [round, batch] of [[16], [20], [16, 20]].entries()) {
          own.bytes(4096 + 16, 8).set([round, 1, 1, 1, round, 2, 2, 2]);
          const fields = batch.map(input);
          const { requests } = await execute(instance, fields);
          assert.deepEqual(
            requests.map(({ responses }) => responses.map((r) => [...(r?.outputs[0]?.data ?? [])])),
            batch.map((offset) => [offset === 16 ? [round, 1, 1, 1] : [round, 2, 2, 2]]),
          );
          for (const { sharedMemory } of fields) sharedMemory?.release();
        }
      });
      registry.close();
    });

    test('answers every request of a batch with its own data', async () => {
      await withInstance(configOf('echo'), async (instance) => {
        const { requests, failed } = await execute(instance, [
          { inputs: [fp32('X', [1, 2], [1, 2])] },
          { inputs: [fp32('X', [2, 2], [3, 4, 5, 6])], batchSize: 2 },
          { inputs: [fp32('X', [1, 0], [])] },
        ]);
        assert.equal(failed, false);
        const data = requests.map(({ responses }) => responses.map((r) => [...(r?.outputs[0]?.data ?? [])]));
        assert.deepEqual(data, [
          [[...fp32('X', [2], [1, 2]).data]],
          [[...fp32('X', [4], [3, 4, 5, 6]).data]],
          [[]],
        ]);
        assert.deepEqual(requests[1]?.responses[0]?.outputs[0]?.shape, [2, 2]);
      });
    });

    test('answers many batches at once, each with its own data', async () => {
      await withInstance(configOf('later'), async (instance) => {
        const values = Array.from({ length: 30 }, (_, at) => at);
        const inputOf = (value: number): Tensor => fp32('X', [1, 1], [value]);
        const executions = await Promise.all(
          values.map((value) =>
            execute(instance, [{ inputs: [inputOf(value)] }, { inputs: [inputOf(-value)] }]),
          ),
        );
        const answers = executions.map(({ requests }) =>
          requests.map(({ responses }) => [...(responses[0]?.outputs[0]?.data ?? [])]),
        );
        assert.deepEqual(
          answers,
          values.map((value) => [[...inputOf(value).data], [...inputOf(-value).data]]),
        );
      });
    });

    test('answers batch after batch, also those that are too large for the short way', async () => {
      await withInstance(configOf('echo'), async (instance) => {
        for (let round = 0; round < 40; round += 1) {
          const size = round % 10 === 9 ? 100_000 : 3;
          const input = fp32('X', [1, size], Array<number>(size).fill(round));
          const { requests } = await execute(instance, [{ inputs: [input] }]);
          const [output] = requests[0]?.responses[0]?.outputs ?? [];
          assert.deepEqual([output?.name, output?.datatype, output?.shape], ['X', 'FP32', [1, size]]);
          assert.ok(Buffer.from(input.data).equals(output?.data ?? new Uint8Array()));
        }
      });
    });

    test('answers a batch whose instance is closed right behind it', async () => {
      const config = configOf('echo');
      const host = createHost(config);
      const instance = await host.createInstance({
        instanceName: 'm',
        kind: 'KIND_CPU',
        deviceId: 0,
        config,
      });
      const executed = execute(instance, [{ inputs: [fp32('X', [1, 1], [1])] }]);
      await instance.close();
      const { requests } = await executed;
      assert.deepEqual(requests[0]?.errors(), []);
      await host.close();
    });

    test('hands over the wanted outputs of requests that have nothing else', async () => {
      await withInstance(configOf('seen'), async (instance) => {
        const requestedOutputs = [{ name: 'X', classification: 0, binaryData: false }];
        const { requests } = await execute(instance, [
          { inputs: [fp32('X', [1], [1])], requestedOutputs },
          {},
        ]);
        assert.deepEqual(
          requests.map(({ responses }) => responses[0]?.parameters?.['wanted']),
          ['X', 'X'],
        );
      });
    });

    test('executes again and again, also asynchronously', async () => {
      await withInstance(configOf('slow'), async (instance) => {
        for (let round = 0; round < 2; round += 1) {
          const { requests } = await execute(instance, [{ inputs: [fp32('X', [1], [round])] }, {}]);
          assert.equal(requests[0]?.responses[0]?.parameters?.['rows'], 2);
        }
      });
    });

    test('hands over id, wanted outputs, parameters and sequence, with the inputs in one buffer', async () => {
      await withInstance(configOf('seen'), async (instance) => {
        const fields = {
          id: 'r1',
          requestedOutputs: [{ name: 'X', classification: 0, binaryData: false }],
          parameters: { extra: 5 },
          sequence: { id: 7, start: true, end: false },
          inputs: [fp32('X', [1], [1])],
        };
        const { requests } = await execute(instance, [fields]);
        assert.deepEqual(requests[0]?.responses[0]?.parameters, {
          id: 'r1',
          wanted: 'X',
          extra: '5',
          sequence: '7',
          sameBuffer: true,
        });
      });
    });

    test('hands over the priority of a request that has nothing else', async () => {
      await withInstance(configOf('limits'), async (instance) => {
        const { requests } = await execute(instance, [{ inputs: [fp32('X', [1], [1])], priority: 3 }]);
        assert.deepEqual(requests[0]?.responses[0]?.parameters, { priority: 3, timeoutUs: 0, deadline: -1 });
      });
    });

    test('hands over the timeout of a request, and when it ends', async () => {
      await withInstance(configOf('limits'), async (instance) => {
        const since = Date.now();
        const timeoutUs = 7_000_000;
        const { requests } = await execute(instance, [{ inputs: [fp32('X', [1], [1])], timeoutUs }]);
        const seen = requests[0]?.responses[0]?.parameters;
        assert.equal(seen?.['timeoutUs'], timeoutUs);
        const deadline = Number(seen?.['deadline']);
        assert.ok(deadline > since && deadline <= Date.now() + timeoutUs / 1000, `${deadline - since} ms`);
      });
    });

    for (const [mode, code, message, threw] of [
      ['throw', 'UNAVAILABLE', /thrown on purpose/, true],
      ['reject', 'INTERNAL', /rejected on purpose/, true],
      ['silent', 'INTERNAL', /without answering/, true],
      ['error', 'NOT_FOUND', /answered with an error/, false],
    ] as const) {
      test(`fails the requests of a batch when the backend does "${mode}"`, async () => {
        await withInstance(configOf(mode), async (instance) => {
          const { requests, failed } = await execute(instance, [{}, {}]);
          assert.equal(failed, threw);
          for (const { responses } of requests) {
            assert.equal(responses.length, 1);
            assert.equal(responses[0]?.error?.code, code);
            assert.match(responses[0]?.error?.message ?? '', message);
          }
        });
      });
    }

    test('answers once when the backend answers twice', async () => {
      await withInstance(configOf('twice'), async (instance) => {
        const { requests } = await execute(instance, [{}]);
        assert.equal(requests[0]?.responses.length, 1);
        assert.equal(requests[0]?.responses[0]?.error, undefined);
      });
    });

    test('an ordinary request is answered after its execution when the backend says so', async () => {
      await withInstance(configOf('afterwards'), async (instance) => {
        const heard: string[] = [];
        await new Promise<void>((resolve) => {
          instance.execute([buildRequest().request], {
            onResponse: (_index, response) => {
              heard.push(response?.error?.message ?? 'answer');
              resolve();
            },
            onReschedule: () => assert.fail(),
            onDone: (_times, failed) => heard.push(failed ? 'failed' : 'done'),
          });
        });
        assert.deepEqual(heard, ['done', 'answer']);
      });
    });

    test('delivers the responses of a decoupled model in order, then the end', async () => {
      await withInstance(configOf('count', true), async (instance) => {
        const { requests } = await execute(instance, [{}, {}]);
        for (const { responses } of requests) {
          assert.deepEqual(
            responses.map((r) => r?.parameters?.['n']),
            [0, 1, 2, undefined],
          );
        }
      });
    });

    test('tells the backend of a cancellation', async () => {
      await withInstance(configOf('untilCancelled'), async (instance) => {
        const { requests } = await execute(instance, [{}], ([only]) => only?.request.cancel());
        assert.equal(requests[0]?.responses[0]?.error?.code, 'CANCELLED');
      });
    });

    test('tells the backend when no further response is wanted, and when one is', async () => {
      await withInstance(configOf('paced', true), async (instance) => {
        let whilePaused: number | undefined;
        const { requests } = await execute(instance, [{}, {}], ([paused, other]) => {
          paused?.request.pause(true);
          other?.request.cancel();
          other?.request.wrapHandler((next) => (response, final) => {
            next(response, final);
            if (!final) return;
            whilePaused = paused?.responses.length;
            paused?.request.pause(false);
          });
        });
        assert.equal(whilePaused, 0);
        assert.equal(requests[0]?.responses.length, 2);
      });
    });

    test('a break ends with the cancellation of the request', async () => {
      await withInstance(configOf('paced', true), async (instance) => {
        const { requests } = await execute(instance, [{}], ([paused]) => {
          paused?.request.pause(true);
          paused?.request.cancel();
        });
        assert.equal(requests[0]?.request.isEnded, true);
      });
    });

    test('what an error says to HTTP clients comes along', async () => {
      await withInstance(configOf('full'), async (instance) => {
        const { requests } = await execute(instance, [{}]);
        assert.deepEqual(requests[0]?.responses[0]?.error?.http, {
          status: 429,
          retryAfterSeconds: 5,
          body: '{"error":"full"}',
        });
      });
    });

    test('what a load does is told with its key', async () => {
      lines.length = 0;
      const host = createHost(configOf('echo'));
      await host.validateConfig(configOf('echo'));
      assert.deepEqual(lines, [`m#${models - 1}: half of it is checked`]);
      await host.close();
    });

    test('asks the model for its configuration, and lets it refuse one', async () => {
      const host = createHost(configOf('invalid'));
      assert.deepEqual(await host.completeConfig(), { max_batch_size: 4 });
      await assert.rejects(host.validateConfig(configOf('invalid')), {
        code: 'INVALID_ARG',
        message: 'invalid on purpose',
      });
      await host.close();
    });

    test('makes no instance while it looks at a configuration that it then refuses', async () => {
      const config = configOf('invalid');
      const host = createHost(config);
      const plan = { instanceName: 'm_0_0', kind: 'KIND_CPU', deviceId: 0, config } as const;
      const asked = [host.validateConfig(config), host.createInstance(plan)];
      const refusals = (await Promise.allSettled(asked)).map(
        (result) => result.status === 'rejected' && String(result.reason.message),
      );
      assert.deepEqual(refusals, ['invalid on purpose', 'invalid on purpose']);
      await host.close();
    });

    test('lives on when the backend lets an error escape', { skip: kind === 'in-process' }, async () => {
      await withInstance(configOf('stray'), async (instance) => {
        for (let round = 0; round < 2; round += 1) {
          const { requests } = await execute(instance, [{}]);
          assert.equal(requests[0]?.responses[0]?.error, undefined);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        assert.equal(await instance.isReady(), true);
      });
    });

    test('asks the instance whether it is ready', async () => {
      await withInstance(configOf('echo'), async (instance) => assert.equal(await instance.isReady(), true));
      await withInstance(configOf('unready'), async (instance) =>
        assert.equal(await instance.isReady(), false),
      );
    });

    test('passes log lines and metrics on', async () => {
      lines.length = 0;
      await withInstance(configOf('echo'), async (instance) => {
        await execute(instance, [{}]);
      });
      assert.deepEqual(lines, ['created m_0_0', 'closed m_0_0', 'closed model']);
      const page = new Exposition();
      metrics.render(page);
      assert.match(page.toString(), /fake_executed_total \d+/);
    });

    test('lines logged while requests are executed carry their ids, also after a wait', async () => {
      await withInstance(configOf('log'), async (instance) => {
        lines.length = 0;
        await execute(instance, [{ id: 'r1', trace: traceOf('r1') }, { id: 'r2' }, {}]);
        const trace = 'a'.repeat(32);
        assert.deepEqual(lines, [
          `at once | r1,r2 | ${trace}`,
          `later | r1,r2 | ${trace}`,
          `of one | r1 | ${trace}`,
          'of one | r2',
          'of one',
        ]);
        lines.length = 0;
        await execute(instance, [{}]);
        assert.deepEqual(lines, ['at once', 'later', 'of one']);
      });
    });

    test('tells the backend where to go on with the trace of a request', async () => {
      await withInstance(configOf('trace'), async (instance) => {
        const { requests } = await execute(instance, [{ trace: traceOf('r1') }, {}]);
        const [traced, plain] = requests.map(({ responses }) => responses[0]?.parameters?.['trace']);
        assert.deepEqual(JSON.parse(String(traced)), {
          traceId: 'a'.repeat(32),
          traceparent: `00-${'a'.repeat(32)}-0000000000000003-01`,
          tracestate: 'vendor=1',
        });
        assert.equal(plain, undefined);
      });
    });

    test('notes what the backend does in the traces of its requests, when it did it', async () => {
      await withInstance(configOf('activity'), async (instance) => {
        const traces = [traceOf('r1'), traceOf('r2')];
        const before = performance.now() * 1e6;
        await execute(instance, [{ id: 'a', trace: traces[0] }, { id: 'b' }, { id: 'c', trace: traces[1] }]);
        const noted = traces.map((trace) => trace?.activities ?? []);
        assert.deepEqual(
          noted.map((moments) => moments.map(({ name }) => name)),
          [
            ['STEP_a_START', 'STEP_a_END'],
            ['STEP_c_START', 'STEP_c_END'],
          ],
        );
        const times = [before - CLOCK_ERROR_NS, ...noted.flat().map(({ ns }) => ns)];
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
        assert.ok((times.at(-1) ?? Infinity) <= performance.now() * 1e6 + CLOCK_ERROR_NS);
      });
    });
  });
}

for (const [kind, ended] of [
  ['child-process', /backend process ended \(status 3\)/],
  ['own-thread', /executor thread ended/],
] as const) {
  test(`${kind}: one that dies fails its own requests and is not ready any more`, async () => {
    const logger = () => ({ verbose: () => {}, info: () => {}, warning: () => {}, error: () => {} });
    const metrics = new BackendMetrics([], assert.ifError);
    const pool = new ExecutorPool(1, { logger, metrics, reportProgress: () => {} });
    const config = configOf('exit');
    const spec: ModelSpec = {
      key: 'dies',
      backendSource: FAKE_BACKEND,
      backendName: 'fake',
      backendSettings: {},
      modelName: 'm',
      modelNamespace: '',
      modelVersion: '1',
      modelDirectory: '/models/m',
      versionDirectory: '/models/m/1',
      config,
    };
    const host = new ExecutorHost(pool, spec, { kind });
    const instance = await host.createInstance({
      instanceName: 'm_0_0',
      kind: 'KIND_CPU',
      deviceId: 0,
      config,
    });
    const { request, responses } = buildRequest();
    await new Promise<void>((resolve) => {
      instance.execute([request], {
        onResponse: (_index, response, final) => {
          request.respond(response, final);
          resolve();
        },
        onReschedule: () => {},
        onDone: () => {},
      });
    });
    assert.equal(responses[0]?.error?.code, 'UNAVAILABLE');
    assert.match(responses[0]?.error?.message ?? '', ended);
    assert.equal(await instance.isReady(), false);
    await instance.close();
    await host.close();
    await pool.close();
  });
}
