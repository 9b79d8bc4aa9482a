/** Engines of ours that say nothing for a while: one that is busy keeps what it has, one that hangs does not. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { markedCommand, type MarkedCommand } from '../llm/engine-processes.ts';
import type { EngineScript } from '../llm/engine-script.ts';
import { chat, generate, generateStream, llmModel, metricValue } from '../llm/llm-models.ts';
import { until } from '../llm/until.ts';
import { makeRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };
const FOLDER = mkdtempSync(join(tmpdir(), 'nereid-silent-'));
after(() => rmSync(FOLDER, { recursive: true }));

test('an engine that is busy with a large body loses nothing that it has', LIMIT, async () => {
  // Health is given up after a second each time: two of them are missed.
  await using served = await serve({ tokensPerSecond: 20, readsLargeMs: 5000 }, 1, '60');
  const { server, command } = served;
  const before = await command.engines();
  const stream = generateStream(server, 'llama', { text_input: 'p', max_tokens: 60 });
  await until(async () => ((await begun(server)) === 1 ? true : undefined));
  const { status, text } = await chat(server, 'llama', 'x'.repeat(2 * 1024 * 1024));
  assert.equal(status, 200, text);
  const events = await stream;
  assert.deepEqual([events.length, events.at(-1)?.['error']], [60, undefined]);
  assert.match(
    server.output(),
    /it does not answer for its health, and may be busy: what it has is left to it/,
  );
  assert.deepEqual(await command.engines(), before);
  assert.equal((await generate(server, 'llama')).status, 200);
});

test('what an engine that hangs has not begun goes to another, the rest is told', LIMIT, async () => {
  const script = { firstTokenMs: 100, tokensPerSecond: 10, tokens: 60, signsTokens: true };
  await using served = await serve(script, 2, '3');
  const { server, command } = served;
  const before = await command.engines();
  const streams = Array.from({ length: 4 }, (_, index) =>
    generateStream(server, 'llama', { text_input: `${index} streamed` }),
  );
  await until(async () => ((await begun(server)) === 4 ? true : undefined));
  const whole = Array.from({ length: 4 }, (_, index) =>
    generate(server, 'llama', { text_input: `${index} whole`, exclude_input_in_output: true }),
  );
  await until(async () =>
    (await metricValue(server, 'nereid_llm_running_requests')) === 8 ? true : undefined,
  );
  const [hanging = 0] = before;
  process.kill(hanging, 'SIGSTOP');

  const answers = await Promise.all(streams);
  for (const events of answers) {
    const isLost = String(events[0]?.['text_output']).startsWith(`${hanging}.`);
    if (isLost) assert.match(String(events.at(-1)?.['error']), /it does not answer for its health|SIGKILL/);
    else assert.deepEqual([events.length, events.at(-1)?.['error']], [60, undefined]);
  }
  assert.equal(answers.filter((events) => events.at(-1)?.['error'] !== undefined).length, 2);
  for (const { status, text } of await Promise.all(whole)) {
    assert.equal(status, 200, text);
    assert.equal(text.includes(`${hanging}.`), false);
  }
  await until(async () => {
    const engines = await command.engines();
    return engines.length === 2 && !engines.includes(hanging) ? true : undefined;
  });
});

interface Served extends AsyncDisposable {
  readonly server: RunningServer;
  readonly command: MarkedCommand;
}

/** A server with a model `llama` on so many engines, that are asked for their health all the time. */
async function serve(script: EngineScript, count: number, restartSeconds: string): Promise<Served> {
  const command = await markedCommand(mkdtempSync(join(FOLDER, 'engine-')), script);
  const repository = makeRepository();
  const parameters = {
    engine_command: command.path,
    health_interval_seconds: '0.1',
    unhealthy_restart_seconds: restartSeconds,
  };
  repository.write('llama', llmModel(parameters, { model: 'tiny' }, count));
  const server = await startServer(repository.path);
  return {
    server,
    command,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
    },
  };
}

/** Streams that have had a token. */
async function begun(server: RunningServer): Promise<number | undefined> {
  return metricValue(server, 'gen_ai_server_time_to_first_token_seconds_count');
}
