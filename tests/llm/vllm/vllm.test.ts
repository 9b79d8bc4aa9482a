/** A real vLLM, started by the server: what Triton's inputs give beside its own answers, adapters, faults, its end. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { GrpcClient, InferInput } from '@nereid/client';
import { isRunning } from '../engine-processes.ts';
import { generate, llmModel, metricValue, post } from '../llm-models.ts';
import { until } from '../until.ts';
import { collect } from '../../server/collect.ts';
import { makeRepository, type TemporaryRepository } from '../../server/make-repository.ts';
import { startServer, type RunningServer } from '../../server/start-server.ts';

const PYTHON = process.env['NEREID_VLLM_PYTHON'] ?? 'python3';
const FOLDER = mkdtempSync(join(tmpdir(), 'nereid-vllm-'));
const ARGUMENTS = {
  model: join(FOLDER, 'model'),
  dtype: 'float32',
  enforce_eager: true,
  max_model_len: 256,
  disable_log_requests: true,
  gpu_memory_utilization: 0.5,
  enable_lora: true,
  max_lora_rank: 8,
  enable_auto_tool_choice: true,
  tool_call_parser: 'hermes',
};
const CITY = { type: 'object', properties: { city: { type: 'string', maxLength: 8 } }, required: ['city'] };
const GREEDY = { temperature: 0, max_tokens: 8, exclude_input_in_output: true };

describe('vLLM as the engine', () => {
  let repository: TemporaryRepository;
  let server: RunningServer;

  before(async () => {
    // The engine is given what a small machine has.
    process.env['VLLM_CPU_KVCACHE_SPACE'] ??= '1';
    execFileSync(PYTHON, [join(import.meta.dirname, 'make-model.py'), FOLDER], { stdio: 'inherit' });
    repository = makeRepository();
    const adapters = JSON.stringify({ other: join(FOLDER, 'adapter') });
    repository.write('llama', { ...llmModel({}, ARGUMENTS), '1/multi_lora.json': adapters });
    repository.write('wrong', llmModel({}, { ...ARGUMENTS, tensor_paralel_size: 2, max_model_len: 'abc' }));
    repository.write('broken', llmModel({}, { ...ARGUMENTS, max_model_len: 100_000 }));
    server = await startServer(
      repository.path,
      '--model-control-mode=explicit',
      `--backend-config=vllm,python=${PYTHON}`,
      '--log-verbose=1',
    );
  });

  after(async () => {
    await server[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
    rmSync(FOLDER, { recursive: true });
  });

  it('refuses wrong arguments by its own sources, before it is started', async () => {
    const { status, text } = await post(server, '/v2/repository/models/wrong/load');
    assert.equal(status, 400);
    assert.match(
      text,
      /'tensor_paralel_size' is unknown to vLLM 0\.32\.0\S*; did you mean 'tensor_parallel_size'/,
    );
    assert.match(text, /'max_model_len' must be an integer, found \\"abc\\"/);
  });

  it('fails a load with its own reason', async () => {
    const { status, text } = await post(server, '/v2/repository/models/broken/load');
    assert.equal(status, 400);
    assert.match(text, /max_model_len|max_position_embeddings/);
  });

  it('tells how far its load is', async () => {
    const loading = post(server, '/v2/repository/models/llama/load');
    const reasons = new Set<string>();
    await until(async () => {
      const index = JSON.parse((await post(server, '/v2/repository/index')).text) as Record<string, string>[];
      const { state, reason = '' } = index.find(({ name }) => name === 'llama') ?? {};
      if (state === 'LOADING') reasons.add(reason);
      return state === 'READY' || state === 'UNAVAILABLE' ? true : undefined;
    });
    const { status, text } = await loading;
    assert.equal(status, 200, text);
    console.log([...reasons].join('\n'));
    assert.match([...reasons].join('\n'), /loading weights/);
  });

  it('answers as it does when it is asked itself', async () => {
    const theirs = await askEngine<Completion>(server, '/v1/completions', {
      model: 'llama',
      prompt: 'Hello',
      temperature: 0,
      max_tokens: 8,
      logprobs: 2,
    });
    const ours = await generate(server, 'llama', {
      ...GREEDY,
      logprobs: 2,
      return_logprobs: true,
      return_num_input_tokens: true,
      return_num_output_tokens: true,
      return_finish_reason: true,
    });
    assert.equal(ours.status, 200, ours.text);
    const found = JSON.parse(ours.text) as Record<string, unknown>;
    assert.equal(found['text_output'], theirs.choices[0]?.text);
    assert.equal(found['finish_reason'], theirs.choices[0]?.finish_reason);
    assert.equal(Number(found['num_input_tokens']), theirs.usage.prompt_tokens);
    assert.equal(Number(found['num_output_tokens']), theirs.usage.completion_tokens);
    const logprobs = JSON.parse(String(found['logprobs'])) as Record<string, { logprob: number }>[];
    const likeliest = logprobs.map((token) =>
      Math.max(...Object.values(token).map(({ logprob }) => logprob)),
    );
    const expected = theirs.choices[0]?.logprobs.token_logprobs ?? [];
    assert.equal(likeliest.length, expected.length);
    for (const [index, logprob] of likeliest.entries()) {
      assert.ok(Math.abs(logprob - (expected[index] ?? NaN)) < 1e-3);
    }
  });

  it('streams the same text', async () => {
    const whole = JSON.parse((await generate(server, 'llama', GREEDY)).text) as { text_output: string };
    const { text } = await post(server, '/v2/models/llama/generate_stream', {
      text_input: 'Hello',
      stream: true,
      ...GREEDY,
    });
    const pieces = text
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => (JSON.parse(line.slice(6)) as { text_output: string }).text_output);
    assert.equal(pieces.join(''), whole.text_output);
  });

  it('applies an adapter', async () => {
    const [plain, adapted] = await Promise.all([
      generate(server, 'llama', GREEDY),
      generate(server, 'llama', { ...GREEDY, lora_name: 'other' }),
    ]);
    assert.equal(adapted.status, 200, adapted.text);
    assert.notEqual(adapted.text, plain.text);
    const unknown = await generate(server, 'llama', { ...GREEDY, lora_name: 'none' });
    assert.match(unknown.text, /LoRA none is not supported, we currently support \['other'\]/);
  });

  it('answers chats', async () => {
    const { status, text } = await post(server, '/v1/chat/completions', {
      model: 'llama',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 4,
    });
    assert.equal(status, 200, text);
    assert.equal((JSON.parse(text) as { usage: { completion_tokens: number } }).usage.completion_tokens, 4);
  });

  it('streams the same text over gRPC', async () => {
    const whole = JSON.parse((await generate(server, 'llama', GREEDY)).text) as { text_output: string };
    const client = new GrpcClient(server.grpc);
    const inputs = [
      InferInput.from('text_input', ['Hello']),
      InferInput.fromBytes('stream', 'BOOL', [1], Uint8Array.of(1)),
    ];
    const answers = await collect(
      client.inferStream([{ modelName: 'llama', inputs, parameters: { temperature: 0, max_tokens: 8 } }]),
    );
    const pieces = answers.map((answer) => {
      assert.equal(answer.kind, 'result');
      return answer.result.asStrings('text_output')[0];
    });
    assert.equal(pieces.join(''), whole.text_output);
    assert.equal(pieces.length > 1, true);
    await client.close();
  });

  it('answers a request with tools as it does when it is asked itself', async () => {
    const body = {
      model: 'llama',
      messages: [{ role: 'user', content: 'How is the weather in Oslo?' }],
      tools: [{ type: 'function', function: { name: 'weather', parameters: CITY } }],
      tool_choice: { type: 'function', function: { name: 'weather' } },
      temperature: 0,
      max_tokens: 32,
    };
    const path = '/v1/chat/completions';
    const ours = await post(server, path, body);
    assert.equal(ours.status, 200, ours.text);
    const theirs = await askEngine<Chat>(server, path, body);
    assert.deepEqual(withoutCallIds(JSON.parse(ours.text) as Chat), withoutCallIds(theirs));
  });

  it('stops generating when the client goes, within 100 ms', async () => {
    const running = async (): Promise<number> => {
      const page = await (await fetch(`${engineAccess(server).url}/metrics`)).text();
      return Number(/^vllm:num_requests_running\{.*\} (\S+)$/m.exec(page)?.[1]);
    };
    const times: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      const going = new AbortController();
      const gone = generate(server, 'llama', { max_tokens: 240, ignore_eos: true }, going.signal).catch(
        () => 'gone',
      );
      await until(async () => ((await running()) === 1 ? true : undefined));
      const left = performance.now();
      going.abort();
      assert.equal(await gone, 'gone');
      while ((await running()) !== 0);
      times.push(performance.now() - left);
    }
    console.log(`free after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    assert.ok(Math.min(...times) < 100, `${times.join(', ')} ms`);
  });

  it('is started again when its core is killed', async () => {
    const core = await until(() => processes(/VLLM::EngineCore/).at(0));
    process.kill(core, 'SIGKILL');
    await until(async () =>
      (await metricValue(server, 'nereid_llm_engine_restarts_total', 'model="llama"')) === 1
        ? true
        : undefined,
    );
    await until(async () =>
      (await fetch(`${server.http}/v2/models/llama/ready`)).status === 200 ? true : undefined,
    );
    assert.equal((await generate(server, 'llama')).status, 200);
  });

  it('leaves no process behind', async () => {
    const left = processes(/./);
    assert.equal(left.length > 2, true);
    await server.stop();
    for (const pid of left) assert.equal(await isRunning(pid), false);
  });
});

interface Completion {
  readonly choices: readonly {
    readonly text: string;
    readonly finish_reason: string;
    readonly logprobs: { readonly token_logprobs: readonly number[] };
  }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

interface Chat {
  readonly choices: readonly unknown[];
}

/** Calls have ids that are made up anew for each answer. */
function withoutCallIds({ choices }: Chat): unknown {
  return JSON.parse(JSON.stringify(choices).replaceAll(/"id":"[^"]*"/g, '"id":""'));
}

/** Where the engine itself is: its port and its key are known to its own process only. */
function engineAccess(server: RunningServer): { readonly url: string; readonly key: string } {
  const pid = processes(/vllm\.entrypoints\.cli\.main/).at(-1) ?? 0;
  const [, port = ''] = /--port=(\d+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'latin1')) ?? [];
  const [, key = ''] = /VLLM_API_KEY=([^\0]+)/.exec(readFileSync(`/proc/${pid}/environ`, 'latin1')) ?? [];
  assert.notEqual(key, '');
  assert.equal(server.output().includes(key), false, 'the key is in the log');
  return { url: `http://127.0.0.1:${port}`, key };
}

async function askEngine<T>(server: RunningServer, path: string, body: object): Promise<T> {
  const { url, key } = engineAccess(server);
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200);
  return (await response.json()) as T;
}

/** Processes of the engine's group, by their command line, the oldest first. */
function processes(pattern: RegExp): readonly number[] {
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
  const guard = pids.find(
    (pid) => /engine-guard\.sh/.test(commandLine(pid)) && commandLine(pid).includes(FOLDER),
  );
  return pids.filter(
    (pid) => guard !== undefined && groupOf(pid) === guard && pattern.test(commandLine(pid)),
  );
}

function commandLine(pid: number): string {
  return ofProcess(pid, 'cmdline').replaceAll('\0', ' ');
}

function groupOf(pid: number): number {
  const status = ofProcess(pid, 'stat');
  // State, parent and group stand behind the name, which may hold anything.
  return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[2]);
}

function ofProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
