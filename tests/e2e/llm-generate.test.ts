/** Text from a language model through Triton's interface: HTTP infer, generate, generate_stream and gRPC streams. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GrpcClient, InferInput } from '@nereid/client';
import { eventsOf, generate, generateStream, llmModel, post } from '../llm/llm-models.ts';
import { startScriptedEngine, type ScriptedEngine } from '../llm/scripted-engine.ts';
import { collect } from '../server/collect.ts';
import { makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };
const PROMPT = 'hello there';

/** What an event has beside the model's name, version and the parameters of the last one. */
function outputsOf(event: Record<string, unknown>): Record<string, unknown> {
  const others = ['model_name', 'model_version', 'prompt_tokens', 'completion_tokens'];
  return Object.fromEntries(Object.entries(event).filter(([name]) => !others.includes(name)));
}

describe('a language model', LIMIT, () => {
  let engine: ScriptedEngine;
  let repository: TemporaryRepository;
  let server: RunningServer;

  before(async () => {
    engine = await startScriptedEngine({ models: ['scripted', 'doll'] });
    repository = makeRepository();
    const parameters = { engine_url: engine.url, engine_model: 'scripted' };
    repository.write('llm', { ...llmModel(parameters), '1/multi_lora.json': '{"doll": "/lora/doll"}' });
    repository.write('plain', llmModel({ ...parameters, engine: 'openai' }));
    server = await startServer(repository.path);
  });

  after(async () => {
    await server[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
  });

  /** The last body that the engine got. */
  const lastBody = (): Record<string, unknown> =>
    JSON.parse(engine.requests.at(-1)?.body ?? '{}') as Record<string, unknown>;

  test('is decoupled, without batches (LLM-02)', async () => {
    const answer = await fetch(`${server.http}/v2/models/llm/config`);
    const config = (await answer.json()) as Record<string, unknown>;
    assert.deepEqual(
      [config['max_batch_size'], config['model_transaction_policy']],
      [0, { decoupled: true }],
    );
  });

  test('answers generate with the prompt and the text (LLM-05)', async () => {
    const answer = await generate(server, 'llm', { text_input: PROMPT, max_tokens: 2 });
    assert.equal(answer.status, 200);
    assert.deepEqual(JSON.parse(answer.text), {
      model_name: 'llm',
      model_version: '1',
      finish_reason: 'length',
      prompt_tokens: 2,
      completion_tokens: 2,
      text_output: `${PROMPT}word_0 word_1 `,
    });
  });

  test('leaves the prompt out where that is asked for (LLM-05)', async () => {
    const body = { text_input: PROMPT, max_tokens: 1, exclude_input_in_output: true };
    const { text_output: text } = JSON.parse((await generate(server, 'llm', body)).text) as {
      text_output: string;
    };
    assert.equal(text, 'word_0 ');
  });

  test('streams new text only, an event for each token (LLM-06)', async () => {
    const body = { text_input: PROMPT, stream: true, parameters: { max_tokens: 3 } };
    const events = await generateStream(server, 'llm', body);
    assert.deepEqual(
      events.map(({ text_output: text }) => text),
      ['word_0 ', 'word_1 ', 'word_2 '],
    );
  });

  test('refuses to prepend the prompt to a stream (LLM-06)', async () => {
    const body = { text_input: PROMPT, stream: true, exclude_input_in_output: false };
    const answer = await generate(server, 'llm', body);
    assert.deepEqual(
      [answer.status, JSON.parse(answer.text)],
      [
        400,
        {
          error: 'Error generating stream: When streaming, `exclude_input_in_output` = False is not allowed.',
        },
      ],
    );
  });

  test('tells what is asked for with each token (LLM-03, LLM-04)', async () => {
    const body = {
      text_input: PROMPT,
      stream: true,
      sampling_parameters: JSON.stringify({ max_tokens: 2, logprobs: 1 }),
      return_finish_reason: true,
      return_cumulative_logprob: true,
      return_logprobs: true,
      return_num_input_tokens: true,
      return_num_output_tokens: true,
    };
    const events = await generateStream(server, 'llm', body);
    const step = (id: number, logprob: number) =>
      JSON.stringify([{ [id]: { logprob, rank: 1, decoded_token: `word_${id} ` } }]);
    assert.deepEqual(events.map(outputsOf), [
      {
        text_output: 'word_0 ',
        finish_reason: 'None',
        cumulative_logprob: -0.125,
        logprobs: step(0, -0.125),
        num_input_tokens: 2,
        num_output_tokens: 1,
      },
      {
        text_output: 'word_1 ',
        finish_reason: 'length',
        cumulative_logprob: -0.375,
        logprobs: step(1, -0.25),
        num_input_tokens: 2,
        num_output_tokens: 1,
      },
    ]);
  });

  test('gives a list of several completions (LLM-04)', async () => {
    const body = { text_input: PROMPT, n: 2, max_tokens: 1, exclude_input_in_output: true };
    const { text_output: texts } = JSON.parse((await generate(server, 'llm', body)).text) as {
      text_output: unknown;
    };
    assert.deepEqual(texts, ['word_0 ', 'word_0 ']);
  });

  test('takes sampling parameters from the input before those of the request (LLM-07)', async () => {
    const sampling = JSON.stringify({ max_tokens: '2', temperature: '0.5', stop: ['x'] });
    await generate(server, 'llm', { text_input: PROMPT, sampling_parameters: sampling, max_tokens: 9 });
    const { max_tokens: maxTokens, temperature, stop } = lastBody();
    assert.deepEqual([maxTokens, temperature, stop], [2, 0.5, ['x']]);
  });

  test('refuses a sampling parameter that the engine would not know (LLM-07)', async () => {
    const answer = await generate(server, 'llm', { text_input: PROMPT, temprature: 1 });
    const { error } = JSON.parse(answer.text) as { error: string };
    assert.deepEqual(
      [answer.status, error],
      [
        400,
        "Error generating stream: sampling parameter 'temprature' is unknown; did you mean 'temperature'?",
      ],
    );
  });

  test('asks an adapter by name, and tells which there are (LLM-08)', async () => {
    const ask = (name: string) => generate(server, 'llm', { text_input: PROMPT, lora_name: name });
    assert.equal((await ask('doll')).status, 200);
    assert.equal(lastBody()['model'], 'doll');
    const { error } = JSON.parse((await ask('bear')).text) as { error: string };
    assert.equal(error, "LoRA bear is not supported, we currently support ['doll']");
  });

  test('takes images as messages of a chat (LLM-03)', async () => {
    const png = Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1').toString('base64');
    const body = { text_input: 'what is this?', image: png, exclude_input_in_output: true, max_tokens: 1 };
    const { text_output: text } = JSON.parse((await generate(server, 'llm', body)).text) as {
      text_output: string;
    };
    assert.equal(text, 'word_0 ');
    const url = `data:image/png;base64,${png}`;
    assert.deepEqual(lastBody()['messages'], [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'what is this?' },
          { type: 'image_url', image_url: { url } },
        ],
      },
    ]);
  });

  test('answers infer with events', async () => {
    const body = {
      inputs: [
        { name: 'text_input', datatype: 'BYTES', shape: [1], data: [PROMPT] },
        { name: 'stream', datatype: 'BOOL', shape: [1], data: [true] },
      ],
      parameters: { max_tokens: 2 },
    };
    const answer = await fetch(`${server.http}/v2/models/llm/infer`, {
      method: 'POST',
      headers: { accept: 'text/event-stream' },
      body: JSON.stringify(body),
    });
    const events = eventsOf(await answer.text()) as { outputs: { data: unknown }[] }[];
    assert.deepEqual(
      events.map(({ outputs }) => outputs[0]?.data),
      [['word_0 '], ['word_1 ']],
    );
  });

  test('answers a gRPC stream, the last token being the final response', async () => {
    const client = new GrpcClient(server.grpc);
    const request = {
      modelName: 'llm',
      id: 'r',
      inputs: [
        InferInput.from('text_input', [PROMPT]),
        InferInput.fromBytes('stream', 'BOOL', [1], Uint8Array.of(1)),
      ],
      parameters: { max_tokens: 2 },
    };
    const answers = await collect(client.inferStream([request]));
    await client.close();
    assert.deepEqual(
      answers.map((answer) => [
        answer.kind === 'result' ? answer.result.asStrings('text_output') : answer.error.message,
        answer.final,
      ]),
      [
        [['word_0 '], false],
        [['word_1 '], true],
      ],
    );
  });

  test('asks engines without completions for chats', async () => {
    const body = { text_input: PROMPT, stream: true, max_tokens: 2 };
    const events = await generateStream(server, 'plain', body);
    assert.deepEqual(
      events.map(({ text_output: text }) => text),
      ['word_0 ', 'word_1 '],
    );
    assert.deepEqual(lastBody()['messages'], [{ role: 'user', content: PROMPT }]);
  });

  test("hands a body of OpenAI's API on, and the answer back, as bytes", async () => {
    const chat = { model: 'scripted', messages: [{ role: 'user', content: PROMPT }], max_tokens: 2 };
    const body = { openai_request: JSON.stringify(chat) };
    const { text } = await post(server, '/v2/models/llm/generate', body);
    const { openai_response: response } = JSON.parse(text) as { openai_response: string };
    const { object, usage } = JSON.parse(response) as {
      object: string;
      usage: { completion_tokens: number };
    };
    assert.deepEqual([object, usage.completion_tokens], ['chat.completion', 2]);
    assert.equal(engine.requests.at(-1)?.body, JSON.stringify(chat));
  });

  test('shows how long tokens took, and how many there were', async () => {
    await generateStream(server, 'llm', { text_input: PROMPT, max_tokens: 4 });
    const page = await (await fetch(`${server.metrics}/metrics`)).text();
    for (const name of [
      'time_to_first_token',
      'time_per_output_token',
      'inter_token_latency',
      'request_duration',
    ]) {
      const count = new RegExp(
        `^gen_ai_server_${name}_seconds_count\\{model="llm",version="1"\\} (\\d+)$`,
        'm',
      );
      assert.ok(Number(count.exec(page)?.[1]) > 0, name);
    }
    assert.match(page, /^nereid_llm_output_tokens_total\{model="llm",version="1"\} \d+$/m);
  });
});
