import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpClient, InferInput } from '@nereid/client';
import { makeRepository, sequenceModel } from '../server/make-repository.ts';
import { runNereid, startServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };

function config(more: string): string {
  const tensor = (name: string): string => `{ name: "${name}" data_type: TYPE_FP32 dims: [4] }`;
  return `backend: "onnxruntime" max_batch_size: 8
    input [${tensor('A')}, ${tensor('B')}] output [${tensor('SUM')}, ${tensor('DIFFERENCE')}] ${more}`;
}

const SAMPLE = `model_warmup [{ name: "both" batch_size: 4 count: 2
  inputs { key: "A" value: { data_type: TYPE_FP32 dims: [4] random_data: true } }
  inputs { key: "B" value: { data_type: TYPE_FP32 dims: [4] input_data_file: "b" } } }]`;

test('warm-up runs on every instance before the model is ready, and counts nowhere', LIMIT, async () => {
  await using repository = makeRepository();
  const files = {
    'config.pbtxt': config(`instance_group [{ count: 2 kind: KIND_CPU }] ${SAMPLE}`),
    'warmup/b': '\0'.repeat(16),
  };
  repository.addOnnx('m', 'add_sub', files);
  await using server = await startServer(repository.path, '--log-verbose=1');
  const client = new HttpClient(server.http);
  const [statistics] = await client.modelStatistics('m');
  assert.equal(Number(statistics?.execution_count), 0);
  assert.equal(Number(statistics?.inference_stats?.success?.count), 0);
  assert.equal(server.output().match(/warmup sample 'both' of model 'm' ran on m_0_\d/g)?.length, 2);
  await client.close();
});

/** All that the model sees: its own input, the controls of a sequence that begins, and the state before it. */
const SEQUENCE_SAMPLE = `model_warmup [{ name: "start" batch_size: 3
  inputs { key: "INPUT" value: { data_type: TYPE_INT32 dims: [1] random_data: true } }
  inputs { key: "START" value: { data_type: TYPE_INT32 dims: [1] input_data_file: "one" } }
  inputs { key: "END" value: { data_type: TYPE_INT32 dims: [1] zero_data: true } }
  inputs { key: "READY" value: { data_type: TYPE_INT32 dims: [1] input_data_file: "one" } }
  inputs { key: "CORRID" value: { data_type: TYPE_INT64 dims: [1] random_data: true } }
  inputs { key: "STATE_IN" value: { data_type: TYPE_INT32 dims: [1] zero_data: true } } }]`;

test(
  'a sequence model warms up with its controls and its state, and its sequences begin anew',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    for (const [name, batching] of Object.entries({
      direct: 'direct { }',
      oldest: 'oldest { max_candidate_sequences: 4 }',
    })) {
      const config = sequenceModel({ batching, more: SEQUENCE_SAMPLE });
      repository.addOnnx(name, 'sequence_sum', { 'config.pbtxt': config, 'warmup/one': '\x01\0\0\0' });
    }
    await using server = await startServer(repository.path, '--log-verbose=1');
    const client = new HttpClient(server.http);
    for (const name of ['direct', 'oldest']) {
      assert.match(server.output(), new RegExp(`warmup sample 'start' of model '${name}' ran on ${name}_0`));
      const input = InferInput.from('INPUT', Int32Array.of(5), [1, 1]);
      const sequence = { id: 1, start: true, end: true };
      const result = await client.infer(name, [input], { sequence });
      assert.deepEqual([...result.output('OUTPUT', 'INT32')], [5]);
    }
    await client.close();
  },
);

test('a sample of a sequence model that lacks a control ends the start, and names it', LIMIT, async () => {
  await using repository = makeRepository();
  const more = SEQUENCE_SAMPLE.replace(/inputs \{ key: "READY".*/, '');
  const config = sequenceModel({ batching: 'direct { }', more });
  repository.addOnnx('sum', 'sequence_sum', { 'config.pbtxt': config, 'warmup/one': '\x01\0\0\0' });
  const { status, output } = await runNereid('serve', `--model-repository=${repository.path}`);
  assert.equal(status, 1);
  assert.match(output, /warmup sample 'start' is missing required input\(s\) \['READY'\]/);
});

test('a warm-up file of another size ends the start, with sample, input and sizes', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('m', 'add_sub', { 'config.pbtxt': config(SAMPLE), 'warmup/b': 'short' });
  const { status, output } = await runNereid('serve', `--model-repository=${repository.path}`);
  assert.equal(status, 1);
  assert.match(output, /warmup sample 'both': .*input 'B' for model 'm'. Expected 16, got 5/);
});
