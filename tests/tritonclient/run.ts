/**
 * A walk through NVIDIA's Python client against our server: every call of its four kinds (HTTP and gRPC, each
 * synchronous and asyncio).
 *
 *     node tests/tritonclient/run.ts [text that the names of the checks hold …]
 */
import { join } from 'node:path';
import { llmModel } from '../llm/llm-models.ts';
import { startScriptedEngine } from '../llm/scripted-engine.ts';
import { runPython } from '../python/venv.ts';
import {
  identityModel,
  makeRepository,
  sequenceModel,
  type TemporaryRepository,
} from '../server/make-repository.ts';
import { failingModel, repeatModel, untilCancelledModel } from '../server/script-models.ts';
import { ROOT, startServer } from '../server/start-server.ts';
import { addEnsembles } from './ensemble-models.ts';

const DATATYPES = 'bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 fp16 fp32 fp64 bytes'.split(' ');

const CLASSIFY = `
backend: "onnxruntime"
max_batch_size: 4
input [{ name: "X" data_type: TYPE_FP32 dims: [3] }]
output [{ name: "Y" data_type: TYPE_FP32 dims: [-1] label_filename: "labels.txt" }]
`;

const ADD_SUB = `
backend: "onnxruntime"
max_batch_size: 128
input [{ name: "A" data_type: TYPE_FP32 dims: [4] }, { name: "B" data_type: TYPE_FP32 dims: [4] }]
output [{ name: "SUM" data_type: TYPE_FP32 dims: [4] }, { name: "DIFFERENCE" data_type: TYPE_FP32 dims: [4] }]
`;

const QUEUED = `
dynamic_batching {
  priority_levels: 2
  default_priority_level: 2
  default_queue_policy { default_timeout_microseconds: 5000000 allow_timeout_override: true }
}
`;

const SEQUENCES = {
  sequence_direct: 'direct { }',
  sequence_oldest: 'oldest { max_candidate_sequences: 4 }',
};

process.exitCode = await main(process.argv.slice(2));

async function main(only: readonly string[]): Promise<number> {
  await using repository = makeRepository();
  addModels(repository);
  await using engine = await startScriptedEngine();
  repository.write('llm', llmModel({ engine_url: engine.url }));
  const flags = ['--model-control-mode=explicit', '--load-model=*', '--allow-client-shm=true'];
  await using server = await startServer(repository.path, ...flags);
  const walk = join(ROOT, 'tests/tritonclient/walk.py');
  return await runPython(walk, new URL(server.http).host, server.grpc, repository.path, ...only);
}

function addModels(repository: TemporaryRepository): void {
  for (const datatype of DATATYPES) repository.addOnnx(`identity_${datatype}`);
  repository.addOnnx('add_sub', 'add_sub', { 'config.pbtxt': ADD_SUB });
  addEnsembles(repository);
  repository.addOnnx('pick');
  repository.addOnnx('classify', 'identity_fp32', {
    'config.pbtxt': CLASSIFY,
    'labels.txt': 'cat\ndog\nfish\n',
  });
  repository.write('identity_bf16', identityModel({ dataType: 'TYPE_BF16', dims: [-1, -1] }));
  for (const [name, strategy] of Object.entries(SEQUENCES)) {
    const batching = `${strategy} max_sequence_idle_microseconds: 5000000`;
    repository.addOnnx(name, 'sequence_sum', { 'config.pbtxt': sequenceModel({ batching }) });
  }
  repository.write('tokens', repeatModel());
  repository.write('hold', untilCancelledModel());
  repository.write('failing', failingModel());
  repository.write('slow', identityModel({ delayMs: 300 }));
  repository.write('queued', identityModel({ dims: [1], maxBatchSize: 1, delayMs: 200, more: QUEUED }));
}
