/**
 * The scripted engine as a process, which can stand for `vllm` and for any other command that starts an engine:
 *
 *     node scripted-engine-main.ts [--script=<JSON of EngineScript>] [serve <model>] [--host=H] [--port=N] [anything else]
 *
 * It prints its URL as the first line when it listens, after a log as engines write it when the script says how long it
 * loads. What else is on its command line it takes and tells in `GET /scripted`.
 */
import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import type { EngineScript } from './engine-script.ts';
import { startScriptedEngine } from './scripted-engine.ts';

const argv = process.argv.slice(2);
const script = JSON.parse(valueOf('--script') ?? '{}') as EngineScript;
const served =
  valueOf('--served-model-name') ??
  valueOf('--alias') ??
  (argv.includes('serve') ? argv[argv.indexOf('serve') + 1] : undefined);

process.on('SIGTERM', () => process.exit(0));
const child = script.child === true ? startStubbornChild() : undefined;
await load();
const key = script.key ?? process.env['VLLM_API_KEY'];
await using engine = await startScriptedEngine(
  {
    ...script,
    ...(key !== undefined && { key }),
    ...(served !== undefined && script.models === undefined && { models: [served, ...adapters()] }),
  },
  {
    host: valueOf('--host') ?? '127.0.0.1',
    port: Number(valueOf('--port') ?? 0),
    process: { argv, childPid: child },
  },
);
console.log(engine.url);
if (script.startSeconds !== undefined)
  console.error('(APIServer pid=1) INFO:     Application startup complete.');
if (script.exitAfterSeconds === undefined) await new Promise(() => {});
await wait((script.exitAfterSeconds ?? 0) * 1000);
console.error('RuntimeError: scripted end');
process.exit(1);

/** The value of `--name=value` or `--name value`. */
function valueOf(name: string): string | undefined {
  const at = argv.findIndex((argument) => argument === name || argument.startsWith(`${name}=`));
  const found = argv[at];
  if (found === undefined) return undefined;
  return found === name ? argv[at + 1] : found.slice(name.length + 1);
}

/** Names of `--lora-modules name=path …`. */
function adapters(): readonly string[] {
  const at = argv.indexOf('--lora-modules');
  const modules = at < 0 ? [] : argv.slice(at + 1);
  const end = modules.findIndex((argument) => argument.startsWith('--'));
  return modules.slice(0, end < 0 ? undefined : end).map((module) => module.split('=', 1).join());
}

/** Writes what vLLM writes while it loads, over the time that the script says. */
async function load(): Promise<void> {
  const { startSeconds = 0, startError } = script;
  const lines = [
    '(APIServer pid=1) INFO 11-21 12:00:00 [api_server.py:1971] vLLM API server version 0.32.0',
    '(EngineCore_DP0 pid=2) INFO 11-21 12:00:01 [core.py:93] Initializing a V1 LLM engine (v0.32.0)',
    'Loading safetensors checkpoint shards:   0% Completed | 0/2 [00:00<?, ?it/s]',
    'Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:00<00:00,  1.90it/s]',
    'Loading safetensors checkpoint shards: 100% Completed | 2/2 [00:01<00:00,  1.95it/s]',
    '(EngineCore_DP0 pid=2) INFO 11-21 12:00:02 [default_loader.py:291] Loading weights took 1.05 seconds',
    '(EngineCore_DP0 pid=2) INFO 11-21 12:00:02 [kv_cache_utils.py:1291] GPU KV cache size: 65,536 tokens',
    'Capturing CUDA graphs (mixed prefill-decode, PIECEWISE): 100%|##########| 3/3 [00:00<00:00, 12.05it/s]',
  ];
  if (startSeconds === 0 && startError === undefined) return;
  for (const line of lines) {
    console.error(line);
    await wait((startSeconds * 1000) / lines.length);
  }
  if (startError === undefined) return;
  console.error(
    `Traceback (most recent call last):\n  File "core.py", line 1, in run_engine_core\n${startError}`,
  );
  process.exit(1);
}

/** A child as engines have them, that only SIGKILL ends. */
function startStubbornChild(): number | undefined {
  const stubborn = spawn('/bin/sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { stdio: 'ignore' });
  return stubborn.pid;
}
