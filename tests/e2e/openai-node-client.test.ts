/** The official npm package `openai` against the server: an engine behind the vLLM backend, mapped models, and ensembles of both. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { startScriptedEngine, type ScriptedEngine } from '../llm/scripted-engine.ts';
import { addOpenAiModels } from '../llm/openai-models.ts';
import { makeRepository } from '../server/make-repository.ts';
import { servePython } from '../server/python-models.ts';
import type { RunningServer } from '../server/start-server.ts';

/** Models that take whole bodies, and such as get the text of a chat. */
const WHOLE = ['llama', 'briefed_llama'];
const MAPPED = ['parrot', 'caged_parrot'];

const HELLO = [{ role: 'user' as const, content: 'one two three four' }];
/** What the engine says with `max_tokens: 3`. */
const THREE_WORDS = 'word_0 word_1 word_2 ';

const WEATHER = {
  name: 'weather',
  strict: true,
  schema: {
    type: 'object',
    properties: { city: { type: 'string' }, degrees: { type: 'number' } },
    required: ['city', 'degrees'],
  },
};

/** The datatypes of what was filled in. */
function kindsOf(parsed: unknown): unknown {
  const { city, degrees } = parsed as { city: unknown; degrees: unknown };
  return [typeof city, typeof degrees];
}

let engine: ScriptedEngine;
let server: RunningServer;
let client: OpenAI;

/** What is closed in the end, the last one first: all that was opened, also when something could not be. */
const opened: AsyncDisposable[] = [];

function open<T extends AsyncDisposable>(one: T): T {
  opened.unshift(one);
  return one;
}

before(
  async () => {
    engine = open(await startScriptedEngine());
    const repository = open(makeRepository());
    addOpenAiModels(repository, engine.url);
    server = open(await servePython(repository));
    client = new OpenAI({ baseURL: `${server.http}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  },
  { timeout: 90_000 },
);

after(async () => {
  for (const one of opened) await one[Symbol.asyncDispose]();
});

test('models are listed and retrieved', async () => {
  const ids = (await client.models.list()).data.map(({ id }) => id);
  for (const id of [...WHOLE, ...MAPPED, 'letters']) assert.ok(ids.includes(id), ids.join());
  const model = await client.models.retrieve('llama');
  assert.deepEqual([model.id, model.object, model.owned_by], ['llama', 'model', 'nereid']);
});

interface Said {
  readonly text: string;
  readonly reason: string | null;
  readonly tokens: number | undefined;
}

/** What a chat says, and how it ends. */
async function chat(model: string): Promise<Said> {
  const { choices, usage } = await client.chat.completions.create({ model, messages: HELLO, max_tokens: 3 });
  const [choice] = choices;
  assert.ok(choice !== undefined);
  return {
    text: choice.message.content ?? '',
    reason: choice.finish_reason,
    tokens: usage?.completion_tokens,
  };
}

/** The same in a stream. */
async function streamChat(model: string): Promise<Said> {
  const stream = await client.chat.completions.create({
    model,
    messages: HELLO,
    max_tokens: 3,
    stream: true,
    stream_options: { include_usage: true },
  });
  const said: { -readonly [K in keyof Said]: Said[K] } = { text: '', reason: null, tokens: undefined };
  for await (const { choices, usage } of stream) {
    said.text += choices[0]?.delta.content ?? '';
    said.reason = choices[0]?.finish_reason ?? said.reason;
    said.tokens = usage?.completion_tokens ?? said.tokens;
  }
  return said;
}

for (const model of [...WHOLE, ...MAPPED]) {
  describe(model, () => {
    const said = MAPPED.includes(model) ? 'one two three' : THREE_WORDS;
    const expected = { text: said, reason: 'length', tokens: 3 };

    test('chats', async () => {
      assert.deepEqual(await chat(model), expected);
    });

    test('chats in a stream, with its usage at the end', async () => {
      assert.deepEqual(await streamChat(model), expected);
    });

    test('completes a prompt', async () => {
      const { choices } = await client.completions.create({
        model,
        prompt: 'one two three four',
        max_tokens: 3,
      });
      assert.deepEqual([choices[0]?.text, choices[0]?.finish_reason], [said, 'length']);
    });

    test('makes a response', async () => {
      const request = { model, input: 'one two three four', max_output_tokens: 3 };
      const response = await client.responses.create(request);
      assert.deepEqual([response.output_text, response.status], [said, 'incomplete']);
      assert.equal(response.usage?.output_tokens, 3);
      const streamed = client.responses.stream(request);
      let text = '';
      streamed.on('response.output_text.delta', ({ delta }) => {
        text += delta;
      });
      const final = await streamed.finalResponse();
      assert.deepEqual([text, final.output_text], [said, said]);
    });
  });
}

for (const model of WHOLE) {
  describe(`${model}, an engine that calls tools and fills schemas`, () => {
    test('calls a tool', async () => {
      const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
      const tool = { type: 'function' as const, function: { name: 'weather', parameters, strict: true } };
      const { choices } = await client.chat.completions.parse({
        model,
        messages: HELLO,
        tools: [tool],
        tool_choice: 'required',
      });
      const [call] = choices[0]?.message.tool_calls ?? [];
      assert.ok(call?.type === 'function');
      assert.deepEqual([choices[0]?.finish_reason, call.function.name], ['tool_calls', 'weather']);
      assert.equal(typeof (call.function.parsed_arguments as { city: unknown }).city, 'string');
    });

    test('calls a tool in a response, and takes its output', async () => {
      const tools = [
        { type: 'function' as const, name: 'add', parameters: { type: 'object' }, strict: false },
      ];
      const first = await client.responses.create({ model, input: 'add', tools, tool_choice: 'required' });
      const [call] = first.output.filter((item) => item.type === 'function_call');
      assert.equal(call?.name, 'add');
      const second = await client.responses.create({
        model,
        tools,
        input: [
          { role: 'user', content: 'add' },
          ...first.output.filter((item) => item.type === 'function_call'),
          { type: 'function_call_output', call_id: call?.call_id ?? '', output: '3' },
        ],
      });
      assert.match(second.output_text, /^word_0 /);
      const { messages } = JSON.parse(engine.requests.at(-1)?.body ?? '');
      assert.deepEqual(
        messages
          .filter(({ role }: { role: string }) => role !== 'system')
          .map(({ role }: { role: string }) => role),
        ['user', 'assistant', 'tool'],
      );
    });

    test('answers in the form that a schema says', async () => {
      const { choices } = await client.chat.completions.parse({
        model,
        messages: HELLO,
        response_format: { type: 'json_schema', json_schema: WEATHER },
      });
      assert.deepEqual(kindsOf(choices[0]?.message.parsed), ['string', 'number']);
      const text = { format: { type: 'json_schema' as const, ...WEATHER } };
      const response = await client.responses.parse({ model, input: 'weather', text });
      assert.deepEqual(kindsOf(response.output_parsed), ['string', 'number']);
    });

    test('takes images', async () => {
      const url = 'data:image/png;base64,AAEC';
      await client.chat.completions.create({
        model,
        max_tokens: 1,
        messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
      });
      assert.ok(engine.requests.at(-1)?.body.includes(url));
    });

    test('tells log probabilities, and several choices', async () => {
      const { choices } = await client.chat.completions.create({
        model,
        messages: HELLO,
        max_tokens: 2,
        n: 2,
        logprobs: true,
        top_logprobs: 1,
      });
      assert.deepEqual(
        choices.map(({ logprobs }) => logprobs?.content?.length),
        [2, 2],
      );
    });

    test('embeds', async () => {
      const { data } = await client.embeddings.create({ model, input: ['ab', 'abc'] });
      assert.deepEqual(
        data.map(({ embedding }) => embedding[0]),
        [2, 3],
      );
    });
  });
}

for (const model of ['letters', 'letters_pipeline']) {
  test(`${model} embeds texts, as numbers and as base64`, async () => {
    const input = ['a b', '', 'cd!', 'x', 'y z'];
    const expected = [
      [2, 1, 0],
      [0, 0, 0],
      [2, 0, 1],
      [1, 0, 0],
      [2, 1, 0],
    ];
    // The client asks for base64 by itself when no format is given.
    for (const more of [{}, { encoding_format: 'float' as const }]) {
      const { data } = await client.embeddings.create({ model, input, ...more });
      assert.deepEqual(
        data.map(({ embedding }) => embedding),
        expected,
      );
    }
  });
}

const REFUSED = [
  ['an unknown model', { model: 'none', messages: HELLO }, OpenAI.NotFoundError, /none/, 'model'],
  [
    "what a mapped model can't be told",
    { model: 'parrot', messages: HELLO, n: 2 },
    OpenAI.BadRequestError,
    /model 'parrot' does not take 'n'/,
    'n',
  ],
  [
    'a model without this endpoint',
    { model: 'letters', messages: HELLO },
    OpenAI.BadRequestError,
    /model 'letters' does not serve \/v1\/chat\/completions/,
    'model',
  ],
  [
    'what the engine refuses',
    { model: 'llama', messages: HELLO, max_tokens: 0 },
    OpenAI.BadRequestError,
    /max_tokens must be at least 1/,
    undefined,
  ],
] as const;

for (const [what, request, kind, message, param] of REFUSED) {
  test(`${what} is an error of the kind that the client knows`, async () => {
    await assert.rejects(
      client.chat.completions.create({ ...request, messages: [...request.messages] }),
      (error) => {
        assert.ok(error instanceof kind, String(error));
        assert.match(error.message, message);
        if (param !== undefined) assert.equal(error.param, param);
        return true;
      },
    );
  });
}

test('a stream that breaks is an error, not a short text', async () => {
  await engine.set({ fault: 'cut-mid-token', faultAfter: 2 });
  try {
    const stream = await client.chat.completions.create({ model: 'llama', messages: HELLO, stream: true });
    await assert.rejects(async () => {
      for await (const _ of stream);
    });
  } finally {
    await engine.set({});
  }
});

test('a client that stops frees the engine', async () => {
  await engine.set({ tokensPerSecond: 20, tokens: 10_000 });
  try {
    for (const model of WHOLE) {
      const { aborted } = engine.report();
      const stream = await client.chat.completions.create({ model, messages: HELLO, stream: true });
      for await (const { choices } of stream) if (choices[0]?.delta.content) break;
      await engine.until((report) => report.aborted > aborted);
    }
  } finally {
    await engine.set({});
  }
});

test('metrics count what came through here as any other inference', async () => {
  await client.chat.completions.create({ model: 'parrot', messages: HELLO });
  const page = await (await fetch(`${server.metrics}/metrics`)).text();
  const count = Number(/^nv_inference_request_success\{model="parrot",version="1"\} (\d+)$/m.exec(page)?.[1]);
  assert.ok(count > 0, page);
});
