/** Continuous batching: iterative models on a real executor thread, through the whole server. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createServer } from '../src/create-server.ts';
import type { InferenceResponse } from '../src/response/inference-response.ts';
import type { InProcessRequest, Server } from '../src/server.ts';
import { int32, valueOf } from './sequence-bench.ts';

const config = (decoupled: boolean): string => `
  backend: "countdown" max_batch_size: 4
  input { name: "FROM" data_type: TYPE_INT32 dims: [1] }
  output { name: "LEFT" data_type: TYPE_INT32 dims: [1] }
  model_transaction_policy { decoupled: ${decoupled} }
  sequence_batching {
    iterative_sequence: true
    control_input { name: "START" control { kind: CONTROL_SEQUENCE_START int32_false_true: [0, 1] } }
    state { input_name: "LEFT_IN" output_name: "LEFT_OUT" data_type: TYPE_INT32 dims: [1] }
    oldest { max_candidate_sequences: 4 }
  }`;

const request = (
  modelName: string,
  from: number,
  more: Partial<InProcessRequest> = {},
): InProcessRequest => ({
  modelName,
  inputs: [int32('FROM', from)],
  ...more,
});

async function collect(responses: AsyncIterable<InferenceResponse>): Promise<(number | undefined)[]> {
  const values: (number | undefined)[] = [];
  for await (const { outputs } of responses) values.push(valueOf(outputs, 'LEFT'));
  return values;
}

describe('iterative sequences', () => {
  let repository = '';
  let server: Server;
  before(async () => {
    repository = await mkdtemp(join(tmpdir(), 'nereid-test-'));
    for (const name of ['once', 'each']) {
      await mkdir(join(repository, name, '1'), { recursive: true });
      await writeFile(join(repository, name, 'config.pbtxt'), config(name === 'each'));
    }
    server = await createServer({
      modelRepository: [repository],
      backendDirectory: [fileURLToPath(new URL('fixtures/backends', import.meta.url))],
      logInfo: false,
    });
  });
  after(async () => {
    await server.close();
    await rm(repository, { recursive: true });
  });

  test('a request is executed until its model is done, and answered once', async () => {
    const { outputs } = await server.infer(request('once', 5));
    assert.equal(valueOf(outputs, 'LEFT'), 0);
    const [statistics] = server.management.statistics('once', '');
    assert.equal(statistics?.execution_count, 6);
    assert.equal(statistics?.inference_stats.success.count, 1);
  });

  test('a request counts with the durations of all its executions', async () => {
    const durations = () => {
      const [{ inference_stats: all, batch_stats: rows } = {}] = server.management.statistics('once', '');
      const stages = ['compute_input', 'compute_infer', 'compute_output'] as const;
      return stages.map((stage) => [Number(all?.[stage].ns), Number(rows?.[0]?.[stage].ns)]);
    };
    const before = durations();
    await server.infer(request('once', 9));
    const spent = durations().map((ns, stage) => ns.map((value, at) => value - (before[stage]?.[at] ?? NaN)));
    assert.deepEqual(
      spent.map(([ofRequest]) => ofRequest),
      spent.map(([, ofExecutions]) => ofExecutions),
    );
  });

  test('a decoupled model answers between the steps', async () => {
    assert.deepEqual(await collect(server.inferStream(request('each', 4))), [4, 3, 2, 1, 0]);
  });

  test('a request that comes later joins between two steps', async () => {
    const first = server.infer(request('once', -1));
    const [one, two] = await Promise.all([first, server.infer(request('once', -2))]);
    assert.deepEqual([one.parameters?.['rows'], two.parameters?.['rows']], [2, 2]);
  });

  test('many at once are each counted down on their own', async () => {
    const from = Array.from({ length: 12 }, (_, at) => at + 1);
    const all = await Promise.all(from.map((value) => collect(server.inferStream(request('each', value)))));
    assert.deepEqual(
      all.map((values) => values.length),
      from.map((value) => value + 1),
    );
  });

  test('each request without an id gets one of its own, and a named sequence keeps its id', async () => {
    const ids = await Promise.all([1, 2].map((from) => server.infer(request('once', from))));
    const [one, two] = ids.map(({ parameters }) => parameters?.['id']);
    assert.match(String(one), /^\d+$/);
    assert.notEqual(one, two);
    const named = await server.infer(request('once', 1, { sequence: { id: 7, start: true, end: true } }));
    assert.equal(named.parameters?.['id'], '7');
  });

  test('a cancelled request ends between two steps', async () => {
    const stop = new AbortController();
    const responses = server.inferStream(request('each', -1, { signal: stop.signal }));
    await assert.rejects(
      async () => {
        for await (const _ of responses) stop.abort();
      },
      { code: 'CANCELLED' },
    );
  });
});
