import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VLLM_STYLE } from './argument-style.ts';
import { checkEngineArguments, engineArgv } from './engine-arguments.ts';
import type { KnownArguments } from './known-arguments.ts';

const KNOWN: KnownArguments = {
  source: 'vLLM 9.9.9',
  fields: new Map([
    ['tensor_parallel_size', 'int'],
    ['max_model_len', 'int | None'],
    ['gpu_memory_utilization', 'float'],
    ['enforce_eager', 'bool'],
    ['enable_lora', 'bool'],
    ['hf_token', 'bool | str | None'],
    ['served_model_name', 'str | list[str] | None'],
    ['compilation_config', 'CompilationConfig'],
    ['allowed_origins', 'list[str]'],
    ['disable_log_stats', 'bool'],
    ['enable_log_requests', 'bool'],
  ]),
};

test('arguments as they stand on a command line, lists last', () => {
  const args = {
    served_model_name: ['m', 'alias'],
    tensor_parallel_size: 2,
    gpu_memory_utilization: 0.5,
    enforce_eager: true,
    disable_log_stats: false,
    max_model_len: null,
    compilation_config: { level: 3 },
    allowed_origins: ['*'],
  };
  assert.deepEqual(engineArgv(args, KNOWN, VLLM_STYLE), [
    '--tensor-parallel-size=2',
    '--gpu-memory-utilization=0.5',
    '--enforce-eager',
    '--no-disable-log-stats',
    '--compilation-config={"level":3}',
    '--allowed-origins=["*"]',
    '--served-model-name',
    'm',
    'alias',
  ]);
});

test('flags in quotes are flags', () => {
  assert.deepEqual(engineArgv({ enable_lora: 'true', enforce_eager: 'False' }, KNOWN, VLLM_STYLE), [
    '--enable-lora',
    '--no-enforce-eager',
  ]);
});

test('what may be a flag or a text has no negative form', () => {
  assert.deepEqual(engineArgv({ hf_token: true }, KNOWN, VLLM_STYLE), ['--hf-token']);
  assert.deepEqual(engineArgv({ hf_token: false }, KNOWN, VLLM_STYLE), []);
});

test('disable_log_requests, gone from vLLM, means what it meant', () => {
  assert.deepEqual(checkEngineArguments({ disable_log_requests: true }, KNOWN), []);
  assert.deepEqual(engineArgv({ disable_log_requests: true }, KNOWN, VLLM_STYLE), []);
  assert.deepEqual(engineArgv({ disable_log_requests: false }, KNOWN, VLLM_STYLE), ['--enable-log-requests']);
  const old: KnownArguments = { ...KNOWN, fields: new Map([['disable_log_requests', 'bool']]) };
  assert.deepEqual(engineArgv({ disable_log_requests: true }, old, VLLM_STYLE), ['--disable-log-requests']);
});

test('all that is wrong is told at once, with what may be meant', () => {
  const faults = checkEngineArguments(
    { tensor_paralel_size: 2, max_model_len: 'abc', port: 8000, enforce_eager: true, ssl_keyfile: 'x' },
    KNOWN,
  );
  assert.deepEqual(faults, [
    "engine argument 'tensor_paralel_size' is unknown to vLLM 9.9.9; did you mean 'tensor_parallel_size'?",
    `engine argument 'max_model_len' must be an integer, found "abc"`,
    "engine argument 'port' is set by the server",
    "engine argument 'ssl_keyfile' is set by the server",
  ]);
});

test('of an engine whose arguments are not known only those are refused that the server gives', () => {
  assert.deepEqual(checkEngineArguments({ anything: 1, api_key: 'secret', 'api-key': 'other' }, undefined), [
    "engine argument 'api_key' is set by the server",
    "engine argument 'api-key' is set by the server",
  ]);
  assert.deepEqual(engineArgv({ n_gpu_layers: 99, flash_attn: true }, undefined, VLLM_STYLE), [
    '--n-gpu-layers=99',
    '--flash-attn',
  ]);
});
