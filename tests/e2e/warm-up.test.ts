import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpClient } from '@nereid/client';
import { makeRepository } from '../server/make-repository.ts';
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

test('a warm-up file of another size ends the start, with sample, input and sizes', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('m', 'add_sub', { 'config.pbtxt': config(SAMPLE), 'warmup/b': 'short' });
  const { status, output } = await runNereid('serve', `--model-repository=${repository.path}`);
  assert.equal(status, 1);
  assert.match(output, /warmup sample 'both': .*input 'B' for model 'm'. Expected 16, got 5/);
});
