/** Engines that the server starts: their load as it is seen, their end however it comes. The engine is a scripted one. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isRunning, markedCommand, type MarkedCommand } from '../llm/engine-processes.ts';
import type { EngineReport, EngineScript } from '../llm/engine-script.ts';
import { generate, llmModel, metricValue, post } from '../llm/llm-models.ts';
import { until } from '../llm/until.ts';
import { makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };
const FOLDER = mkdtempSync(join(tmpdir(), 'nereid-engines-'));
after(() => rmSync(FOLDER, { recursive: true }));

test('a load tells how far it is, and the engine has what model.json says', LIMIT, async () => {
  await using served = await serve({ startSeconds: 0.5 }, { enforce_eager: true, max_num_seqs: 8 });
  const { server } = served;
  const loading = post(server, '/v2/repository/models/llama/load');
  const seen = new Set<string>();
  await until(async () => {
    const { state, reason } = await indexOf(server);
    if (state === 'LOADING') seen.add(reason);
    return state === 'READY' ? true : undefined;
  });
  assert.equal((await loading).status, 200);
  // Which of them are seen depends on when one looks; the log has them all.
  assert.match([...seen].join('\n'), /starting the engine|loading weights|begins to answer/);
  assert.match(server.output(), /loading 'llama' version 1: loading weights: 1 of 2 shards/);
  assert.equal((await generate(server, 'llama')).status, 200);
  const { argv } = await reportOf(server);
  assert.deepEqual(argv.slice(1, 4), ['serve', 'tiny', '--served-model-name=llama']);
  assert.deepEqual(argv.slice(-2), ['--enforce-eager', '--max-num-seqs=8']);
});

test('an engine asks for a key that nobody is told', LIMIT, async () => {
  await using served = await serve({}, {}, '--log-verbose=9');
  const { server, command } = served;
  await load(server);
  const url = engineUrl(server);
  assert.equal((await fetch(`${url}/v1/completions`, { method: 'POST', body: '{}' })).status, 401);
  assert.equal((await generate(server, 'llama')).status, 200);
  const pid = await pidOf(command);
  const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  const key = environment.find((entry) => entry.startsWith('VLLM_API_KEY='))?.slice('VLLM_API_KEY='.length);
  assert.match(key ?? '', /^[\w-]{43}$/);
  assert.equal(server.output().includes(key ?? ''), false);
  assert.equal(readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(key ?? ''), false);
});

test('a start that fails gives its own reason, and leaves nothing behind', LIMIT, async () => {
  const startError = 'ValueError: max_model_len (99) is greater than the derived max_model_len (32)';
  await using served = await serve({ startError, child: true });
  const { server } = served;
  const { status, text } = await post(server, '/v2/repository/models/llama/load');
  assert.equal(status, 400);
  assert.match(text, /the engine of model 'llama' ended with status 1: ValueError: max_model_len \(99\)/);
  assert.match((await indexOf(server)).reason, /ValueError: max_model_len/);
  assert.deepEqual(await served.command.processes(), []);
});

test('a start that takes too long is ended', LIMIT, async () => {
  await using served = await serve({ startSeconds: 60, child: true }, {}, '--model-control-mode=explicit');
  const { server, repository, command } = served;
  repository.write(
    'llama',
    llmModel({ engine_command: command.path, start_timeout_seconds: '1' }, { model: 'tiny' }),
  );
  const { text } = await post(server, '/v2/repository/models/llama/load');
  assert.match(text, /did not get ready: it was not ready within 1 s/);
  assert.deepEqual(await command.processes(), []);
});

test('wrong arguments are refused before anything is started', LIMIT, async () => {
  await using served = await serve({}, { tensor_paralel_size: 2, max_model_len: 'abc' });
  const { status, text } = await post(served.server, '/v2/repository/models/llama/load');
  assert.equal(status, 400);
  assert.match(
    text,
    /engine argument 'tensor_paralel_size' is unknown to vLLM .* did you mean 'tensor_parallel_size'/,
  );
  assert.match(text, /'max_model_len' must be an integer, found \\"abc\\"/);
});

test('an engine that is killed is started again; what comes meanwhile waits for it', LIMIT, async () => {
  await using served = await serve({ startSeconds: 0.3, child: true });
  const { server, command } = served;
  await load(server);
  const pid = await pidOf(command);
  const { childPid = 0 } = await reportOf(server);
  process.kill(pid, 'SIGKILL');
  await until(async () => ((await isReady(server)) ? undefined : true));
  assert.equal((await generate(server, 'llama')).status, 200);
  assert.notEqual(await pidOf(command), pid);
  assert.equal(await isRunning(childPid), false);
  assert.equal(await metricValue(server, 'nereid_llm_engine_restarts_total', 'model="llama"'), 1);
  assert.match(server.output(), /llama_0_0: the engine was ended by SIGKILL/);
});

test('an engine that hangs is killed and started again', LIMIT, async () => {
  await using served = await serve({ child: true });
  const { server, repository, command } = served;
  const limits = { health_interval_seconds: '0.1', unhealthy_restart_seconds: '0.3' };
  repository.write('llama', llmModel({ engine_command: command.path, ...limits }, { model: 'tiny' }));
  await load(server);
  const pid = await pidOf(command);
  const { childPid = 0 } = await reportOf(server);
  process.kill(pid, 'SIGSTOP');
  await until(async () => ((await isReady(server)) ? undefined : true));
  assert.equal((await generate(server, 'llama')).status, 200);
  assert.notEqual(await pidOf(command), pid);
  assert.deepEqual([await isRunning(pid), await isRunning(childPid)], [false, false]);
  assert.match(server.output(), /llama_0_0: the engine .*it does not answer for its health, for 0\.3 s/);
});

test('an unload stops the engine and all that it started', LIMIT, async () => {
  await using served = await serve({ child: true });
  const { server, command } = served;
  await load(server);
  assert.equal((await command.processes()).length > 0, true);
  const { childPid = 0 } = await reportOf(server);
  assert.equal((await post(server, '/v2/repository/models/llama/unload')).status, 200);
  await until(async () => ((await command.processes()).length === 0 ? true : undefined));
  assert.equal(await isRunning(childPid), false);
});

test('an engine does not outlive the server, however that ends', LIMIT, async () => {
  await using served = await serve({});
  const { server, command } = served;
  await load(server);
  server.process.kill('SIGKILL');
  await until(async () => ((await command.processes()).length === 0 ? true : undefined));
});

test('a stop of the server ends a load that goes on', LIMIT, async () => {
  await using served = await serve({ startSeconds: 60 });
  const { server, command } = served;
  const loading = post(server, '/v2/repository/models/llama/load').catch(() => undefined);
  await until(async () => ((await command.processes()).length > 0 ? true : undefined));
  assert.equal(await server.stop(), 0);
  await loading;
  assert.deepEqual(await command.processes(), []);
});

test("the engine's metrics are on our page, with the labels of the model", LIMIT, async () => {
  await using served = await serve({});
  const { server } = served;
  await load(server);
  await generate(server, 'llama');
  const page = await (await fetch(`${server.metrics}/metrics`)).text();
  assert.match(page, /^vllm:\w+\{model="llama",version="1",.*\} \S+$/m);
  assert.match(page, /^nereid_llm_engine_up\{engine_name="llama_0_0",model="llama",version="1"\} 1$/m);
});

interface Served extends AsyncDisposable {
  readonly server: RunningServer;
  readonly repository: TemporaryRepository;
  /** The engine's command, of this test alone. */
  readonly command: MarkedCommand;
}

/** A server with a model `llama` that is not loaded yet. */
async function serve(script: EngineScript, args: object = {}, ...flags: readonly string[]): Promise<Served> {
  const folder = mkdtempSync(join(FOLDER, 'engine-'));
  const command = await markedCommand(folder, script);
  const repository = makeRepository();
  repository.write('llama', llmModel({ engine_command: command.path }, { model: 'tiny', ...args }));
  const server = await startServer(
    repository.path,
    '--model-control-mode=explicit',
    '--log-verbose=1',
    ...flags,
  );
  return {
    server,
    repository,
    command,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
    },
  };
}

async function load(server: RunningServer): Promise<void> {
  const { status, text } = await post(server, '/v2/repository/models/llama/load');
  assert.equal(status, 200, text);
}

async function isReady(server: RunningServer): Promise<boolean> {
  return (await fetch(`${server.http}/v2/models/llama/ready`)).status === 200;
}

async function indexOf(server: RunningServer): Promise<{ state: string; reason: string }> {
  const { text } = await post(server, '/v2/repository/index');
  const [model] = JSON.parse(text) as { state?: string; reason?: string }[];
  return { state: model?.state ?? '', reason: model?.reason ?? '' };
}

/** The engine prints its URL; the last one printed is that of the engine that runs. */
function engineUrl(server: RunningServer): string {
  const urls = server.output().match(/http:\/\/127\.0\.0\.1:\d+(?=["\n]|$)/gm);
  return urls?.at(-1) ?? '';
}

async function pidOf(command: MarkedCommand): Promise<number> {
  const pid = await command.engine();
  assert.ok(pid !== undefined, 'no engine runs');
  return pid;
}

async function reportOf(server: RunningServer): Promise<EngineReport> {
  return (await (await fetch(`${engineUrl(server)}/scripted`)).json()) as EngineReport;
}
