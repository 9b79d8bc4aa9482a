import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecordingLogger, type TestLogLine } from '@nereid/backend-sdk/testing';
import { EngineLog, progressOf } from './engine-log.ts';

test('lines of a start say how far it is', () => {
  const lines = [
    '(EngineCore_DP0 pid=2) INFO 11-21 12:00:01 [gpu_model_runner.py:3000] Starting to load model org/name...',
    'Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:00<00:00,  1.90it/s]',
    'Fetching 8 files:  25%|##5       | 2/8 [00:01<00:03,  1.90it/s]',
    '(EngineCore_DP0 pid=2) INFO 11-21 12:00:02 [default_loader.py:291] Loading weights took 1.05 seconds',
    'INFO 11-21 12:00:02 [backends.py:548] Using cache directory: /x for vLLM torch.compile',
    '(EngineCore_DP0 pid=2) INFO 11-21 12:00:02 [kv_cache_utils.py:1291] GPU KV cache size: 65,536 tokens',
    'Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  33%|###       | 1/3 [00:00<00:00, 12.05it/s]',
    '(APIServer pid=1) INFO:     Application startup complete.',
    'main: server is listening on http://127.0.0.1:8080',
    '(APIServer pid=1) INFO 11-21 12:00:00 [api_server.py:1971] vLLM API server version 0.32.0',
    'WARNING 11-21 19:55:02 [vllm.py:1703] Enforce eager set, disabling torch.compile, CUDAGraphs',
  ];
  assert.deepEqual(lines.map(progressOf), [
    'loading weights',
    'loading weights: 1 of 2 shards',
    'downloading the model: 25 %',
    'weights loaded in 1.05 s',
    'compiling',
    'cache of 65,536 tokens made',
    'capturing CUDA graphs: 33 %',
    'begins to answer',
    'begins to answer',
    undefined,
    undefined,
  ]);
});

test('lines of other engines say how far their start is', () => {
  const lines = [
    '[2026-01-30 20:54:50 PP1 TP0] Load weight begin. avail mem=78.38 GB',
    '[2026-01-30 20:54:56 TP0] Load weight end. elapsed=6.21 s, type=Qwen3ForCausalLM, dtype=torch.bfloat16',
    '[2025-11-30 12:50:10] KV Cache is allocated. #tokens: 2243474, K size: 59.91 GB, V size: 59.91 GB',
    'Capturing batches (bs=1 avail_mem=38.07 GB):  50%|#####     | 26/52 [00:04<00:00, 10.83it/s]',
    '[2025-11-30 12:50:20] The server is fired up and ready to roll!',
    'Loading safetensors weights in parallel: 100%|##########| 1/1 [00:00<00:00, 205.99it/s]',
    'Loading weights:  12%|#2        | 143/1190 [00:07<00:54, 19.26it/s]',
    'load_tensors: loading model tensors, this can take a while... (mmap = true)',
  ];
  assert.deepEqual(lines.map(progressOf), [
    'loading weights',
    'weights loaded in 6.21 s',
    'cache of 2243474 tokens made',
    'capturing CUDA graphs: 50 %',
    'begins to answer',
    'loading weights: 100 %',
    'loading weights: 12 %',
    'loading weights',
  ]);
});

test('the reason of an end is the fault that the others follow from', () => {
  assert.equal(
    reasonOf(
      '(EngineCore pid=7) ERROR 11-21 12:00:01 [core.py:1001] Traceback (most recent call last):',
      '(EngineCore pid=7) ERROR 11-21 12:00:01 [core.py:1001] ValueError: max_model_len (99) is too large',
      '(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}',
    ),
    'ValueError: max_model_len (99) is too large',
  );
});

test('want of memory is the reason whatever came of it', () => {
  assert.equal(
    reasonOf(
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.',
      'RuntimeError: cancelled',
    ),
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.',
  );
});

test('a fault has what stands indented below it', () => {
  assert.equal(
    reasonOf(
      '(APIServer pid=1) pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig',
      '(APIServer pid=1)   Value error, max_model_len (99) is greater than 32. [type=value_error]',
      '(APIServer pid=1)     For further information visit the documentation',
      '(APIServer pid=1) bye',
    ),
    'pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig Value error, max_model_len (99) is greater than 32. [type=value_error] For further information visit the documentation',
  );
});

test('a refused command line is a reason', () => {
  assert.equal(
    reasonOf('usage: vllm serve [model_tag]', 'vllm: error: unrecognized arguments: --no-such-thing'),
    'vllm: error: unrecognized arguments: --no-such-thing',
  );
});

test('where no line tells of a fault the last ones are shown', () => {
  assert.equal(reasonOf('one', '', 'two'), 'one | two');
  assert.equal(reasonOf(), '');
});

test('lines go to the log at their own level', () => {
  const logs: TestLogLine[] = [];
  const log = new EngineLog(createRecordingLogger(logs), 'llama');
  log.add('INFO 11-21 12:00:00 [a.py:1] hello');
  log.add('WARNING 11-21 12:00:00 [a.py:1] careful');
  log.add('ERROR 11-21 12:00:00 [a.py:1] failed');
  assert.deepEqual(
    logs.map(({ level, fields }) => [level, fields?.model]),
    [
      ['verbose', 'llama'],
      ['warning', 'llama'],
      ['error', 'llama'],
    ],
  );
});

function reasonOf(...lines: readonly string[]): string {
  const log = new EngineLog(createRecordingLogger([]), 'llama');
  for (const line of lines) log.add(line);
  return log.reason;
}
