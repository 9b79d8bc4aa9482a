/** A real engine, llama.cpp's, started by the server: what it says, and what becomes of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { markCommand } from '../llm/engine-processes.ts';
import { makeLlamaEngine, type LlamaEngine } from '../llm/llama-engine.ts';
import { eventsOf, generate, generateStream, llmModel, metricValue, post } from '../llm/llm-models.ts';
import { until } from '../llm/until.ts';
import { makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'nereid-llama-'));
after(() => rmSync(FOLDER, { recursive: true }));

const engine = install();
const skip = engine instanceof Error && `llama.cpp can't be installed: ${engine.message}`;

describe('llama.cpp as the engine', { skip, timeout: 90_000 }, () => {
  let repository: TemporaryRepository;
  let server: RunningServer;

  before(async () => {
    assert.ok(!(engine instanceof Error));
    repository = makeRepository();
    const parameters = { engine: 'llamacpp', engine_command: engine.command };
    repository.write('llama', llmModel(parameters, { model: engine.model, threads: 1, parallel: 2 }));
    server = await startServer(repository.path, '--model-control-mode=explicit', '--load-model=llama');
  });

  after(async () => {
    await server[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
  });

  it('generates the same text at once and as a stream', async () => {
    const body = { max_tokens: 12, temperature: 0, exclude_input_in_output: true };
    const { status, text } = await generate(server, 'llama', body);
    assert.equal(status, 200, text);
    const whole = textOf(text);
    assert.notEqual(whole, '');
    const streamed = await post(server, '/v2/models/llama/generate_stream', {
      text_input: 'Hello',
      stream: true,
      ...body,
    });
    const pieces = streamed.text
      .split('\n')
      .flatMap((line) => (line.startsWith('data: ') ? [textOf(line.slice(6))] : []));
    assert.equal(pieces.length > 1, true);
    assert.equal(pieces.join(''), whole);
  });

  it('answers chats, with its template', async () => {
    const { status, text } = await post(server, '/v1/chat/completions', {
      model: 'llama',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 4,
      temperature: 0,
    });
    assert.equal(status, 200, text);
    const { choices, usage } = JSON.parse(text) as {
      choices: { message: { role: string } }[];
      usage: { completion_tokens: number; prompt_tokens: number };
    };
    assert.equal(choices[0]?.message.role, 'assistant');
    assert.equal(usage.completion_tokens, 4);
    // `<user>Hello`, a line's end, `<assistant>`: a token a byte.
    assert.equal(usage.prompt_tokens, 23);
  });

  it('has its metrics on our page', async () => {
    const predicted = await metricValue(server, 'llamacpp:tokens_predicted_total', 'model="llama"');
    assert.equal((predicted ?? 0) > 0, true);
  });

  it('one of two that is killed takes only its own stream along', async () => {
    assert.ok(!(engine instanceof Error));
    const command = await markCommand(
      mkdtempSync(join(FOLDER, 'marked-')),
      engine.command,
      'llama_server.py',
    );
    const parameters = { engine: 'llamacpp', engine_command: command.path };
    repository.write('pair', llmModel(parameters, { model: engine.model, ctx_size: 16_384 }, 2));
    assert.equal((await post(server, '/v2/repository/models/pair/load')).status, 200);
    const engines = await command.engines();
    assert.equal(engines.length, 2);
    const question = { max_tokens: 4000, temperature: 0, ignore_eos: true, stream: true };
    const whole = await generateStream(server, 'pair', { text_input: 'Good day', ...question });
    // Long enough to be met in the middle, and an engine each: different from their beginning on.
    const begun = await Promise.all(
      ['Good day', 'Hello'].map((text) =>
        fetch(`${server.http}/v2/models/pair/generate_stream`, {
          method: 'POST',
          body: JSON.stringify({ text_input: text, ...question }),
        }),
      ),
    );
    process.kill(engines[0] ?? 0, 'SIGKILL');
    const answers = await Promise.all(begun.map(async (answer) => eventsOf(await answer.text())));
    const broken = answers.filter((events) => events.at(-1)?.['error'] !== undefined);
    assert.equal(broken.length, 1);
    assert.match(String(broken[0]?.at(-1)?.['error']), /broke off the connection|was ended by SIGKILL/);
    const sound = answers.findIndex((events) => !broken.includes(events));
    if (sound === 0) assert.equal(textsOf(answers[0] ?? []), textsOf(whole));
    assert.equal(answers[sound]?.length, whole.length);
    await until(async () => ((await command.engines()).length === 2 ? true : undefined));
    const after = await generateStream(server, 'pair', { text_input: 'Good day', ...question });
    assert.equal(textsOf(after), textsOf(whole));
  });

  it('a broken model fails its load with the reason', async () => {
    assert.ok(!(engine instanceof Error));
    const parameters = { engine: 'llamacpp', engine_command: engine.command };
    repository.write('broken', { ...llmModel(parameters, { model: 'no.gguf' }), '1/no.gguf': 'no model' });
    const { status, text } = await post(server, '/v2/repository/models/broken/load');
    assert.equal(status, 400);
    assert.match(
      text,
      /the engine of model 'broken' ended with status 1: RuntimeError: Failed to init server/,
    );
  });
});

function install(): LlamaEngine | Error {
  try {
    return makeLlamaEngine(FOLDER);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function textsOf(events: readonly Record<string, unknown>[]): string {
  return events.map((event) => String(event['text_output'])).join('');
}

function textOf(json: string): string {
  return (JSON.parse(json) as { text_output: string }).text_output;
}
