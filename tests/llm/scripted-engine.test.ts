/** What suites with a scripted engine rely on. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startScriptedEngine, type EngineScript, type ScriptedEngine } from './scripted-engine.ts';

async function start(t: TestContext, script: EngineScript = {}): Promise<ScriptedEngine> {
  const engine = await startScriptedEngine(script);
  t.after(() => engine[Symbol.asyncDispose]());
  return engine;
}

function post(engine: ScriptedEngine, path: string, body: object, signal?: AbortSignal): Promise<Response> {
  // No connection is kept: the next request may come after the engine was killed.
  const headers = { connection: 'close' };
  return fetch(`${engine.url}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
}

const CHAT = { model: 'm', messages: [{ role: 'user', content: 'hello there' }] };
const PROMPT = { model: 'm', prompt: 'hello there' };

/** The JSON of the events of a stream, and whether it ended in `[DONE]`. */
async function eventsOf(answer: Response): Promise<{ readonly events: Chunk[]; readonly isDone: boolean }> {
  const data = (await answer.text())
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.slice('data: '.length));
  const isDone = data.at(-1) === '[DONE]';
  return {
    events: data.filter((text) => text !== '[DONE]').map((text) => JSON.parse(text) as Chunk),
    isDone,
  };
}

interface Chunk {
  readonly choices: readonly {
    readonly index: number;
    readonly text?: string;
    readonly delta?: {
      readonly role?: string;
      readonly content?: string;
      readonly tool_calls?: readonly {
        readonly function: { readonly name?: string; readonly arguments: string };
      }[];
    };
    readonly message?: { readonly content: string };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: object;
}

test('a stream of a completion has an event for each token, the reason with the last', async (t) => {
  const engine = await start(t);
  const { events, isDone } = await eventsOf(
    await post(engine, '/v1/completions', { ...PROMPT, stream: true, max_tokens: 3 }),
  );
  assert.deepEqual(
    events.map(({ choices: [choice] }) => [choice?.text, choice?.finish_reason]),
    [
      ['word_0 ', null],
      ['word_1 ', null],
      ['word_2 ', 'length'],
    ],
  );
  assert.equal(isDone, true);
});

test('a chat begins with the role, and tells its usage at the end when it is asked for', async (t) => {
  const engine = await start(t, { text: 'Grüße 🎉' });
  const { events } = await eventsOf(
    await post(engine, '/v1/chat/completions', {
      ...CHAT,
      stream: true,
      stream_options: { include_usage: true },
    }),
  );
  assert.equal(events[0]?.choices[0]?.delta?.role, 'assistant');
  assert.equal(events.map(({ choices }) => choices[0]?.delta?.content ?? '').join(''), 'Grüße 🎉');
  assert.deepEqual(events.at(-1)?.usage, { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 });
});

test('several answers, log probabilities and usage so far come in each event', async (t) => {
  const engine = await start(t);
  const body = { ...PROMPT, stream: true, max_tokens: 1, n: 2, logprobs: 1 };
  const { events } = await eventsOf(
    await post(engine, '/v1/completions', { ...body, stream_options: { continuous_usage_stats: true } }),
  );
  assert.deepEqual(
    events.map(({ choices: [choice] }) => choice?.index),
    [0, 1],
  );
  assert.deepEqual(events[0], {
    id: 'cmpl-1',
    object: 'text_completion',
    created: 1_700_000_000,
    model: 'm',
    choices: [
      {
        index: 0,
        text: 'word_0 ',
        finish_reason: 'length',
        logprobs: {
          text_offset: [0],
          token_logprobs: [-0.125],
          tokens: ['word_0 '],
          top_logprobs: [{ 'word_0 ': -0.125 }],
        },
      },
    ],
    usage: { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 },
  });
});

test('a tool that must be called is called with what its schema allows', async (t) => {
  const engine = await start(t);
  const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const tools = [{ type: 'function', function: { name: 'weather', parameters: schema } }];
  const answer = await post(engine, '/v1/chat/completions', {
    ...CHAT,
    tools,
    tool_choice: 'required',
    stream: true,
  });
  const { events } = await eventsOf(answer);
  const calls = events.flatMap(({ choices: [choice] }) => choice?.delta?.tool_calls ?? []);
  assert.equal(calls[0]?.function.name, 'weather');
  assert.equal(calls.map((call) => call.function.arguments).join(''), '{"city":"word"}');
  assert.equal(events.at(-1)?.choices[0]?.finish_reason, 'tool_calls');
});

test('structured output is what its schema allows', async (t) => {
  const engine = await start(t);
  const schema = { type: 'object', properties: { age: { type: 'integer' }, tags: { type: 'array' } } };
  const answer = await post(engine, '/v1/chat/completions', {
    ...CHAT,
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
  });
  const { choices } = (await answer.json()) as Chunk;
  assert.deepEqual(JSON.parse(choices[0]?.message?.content ?? ''), { age: 7, tags: [{}] });
});

test('tokens come at their rate', async (t) => {
  const engine = await start(t, { tokensPerSecond: 100, firstTokenMs: 20 });
  const started = performance.now();
  await (await post(engine, '/v1/completions', { ...PROMPT, stream: true, max_tokens: 5 })).text();
  const took = performance.now() - started;
  assert.ok(took >= 59, `${String(took)} ms`);
});

test('more requests than slots wait, and one whose client goes frees its slot', async (t) => {
  const engine = await start(t, { slots: 1, firstTokenMs: 600_000 });
  const client = new AbortController();
  const body = { ...PROMPT, stream: true };
  const first = post(engine, '/v1/completions', body, client.signal);
  await engine.until(({ running }) => running === 1);
  const second = post(engine, '/v1/completions', body);
  await engine.until(({ waiting }) => waiting === 1);
  await engine.set({ tokens: 1 });
  client.abort();
  await first.then(
    (answer) => assert.rejects(answer.text()),
    () => undefined,
  );
  await engine.until(({ aborted }) => aborted === 1);
  assert.equal(engine.report().running, 1);
  await engine.kill();
  await assert.rejects(async () => (await second).text());
});

const BROKEN: readonly EngineScript[] = [{ fault: 'cut-mid-token' }, { fault: 'cut-mid-event' }];
for (const script of BROKEN) {
  test(`${String(script.fault)} ends the connection after two tokens`, async (t) => {
    const engine = await start(t, script);
    const answer = await post(engine, '/v1/completions', { ...PROMPT, stream: true });
    let text = '';
    const decoder = new TextDecoder();
    await assert.rejects(async () => {
      for await (const piece of answer.body ?? []) text += decoder.decode(piece, { stream: true });
    });
    assert.equal(text.match(/word_/g)?.length, script.fault === 'cut-mid-token' ? 2 : 3);
    assert.equal(engine.report().aborted, 0);
  });
}

test('errors, a sick state, a broken body and a missing end are told as the script says', async (t) => {
  const engine = await start(t, { fault: 'status-500' });
  const ask = (stream: boolean): Promise<Response> => post(engine, '/v1/completions', { ...PROMPT, stream });
  assert.equal((await ask(true)).status, 500);
  await engine.set({ fault: 'status-429' });
  assert.equal((await ask(true)).headers.get('retry-after'), '1');
  await engine.set({ fault: 'unhealthy' });
  assert.equal((await fetch(`${engine.url}/health`)).status, 503);
  await engine.set({ fault: 'bad-json' });
  assert.equal(await (await ask(false)).text(), '{"choices": [');
  await engine.set({ fault: 'no-done' });
  assert.equal((await eventsOf(await ask(true))).isDone, false);
  await engine.set({ fault: 'refuse-connections' });
  await assert.rejects(ask(true), (error: Error) => String(error.cause).includes('ECONNREFUSED'));
  await engine.set({});
  assert.equal((await ask(false)).status, 200);
});

test('an unknown model and a wrong key are refused in the form of vLLM', async (t) => {
  const engine = await start(t, { models: ['other'], key: 'secret' });
  assert.equal((await post(engine, '/v1/completions', PROMPT)).status, 401);
  const answer = await fetch(`${engine.url}/v1/completions`, {
    method: 'POST',
    body: JSON.stringify(PROMPT),
    headers: { authorization: 'Bearer secret' },
  });
  assert.equal(answer.status, 404);
  assert.deepEqual(await answer.json(), {
    error: { message: 'The model `m` does not exist.', type: 'NotFoundError', param: null, code: 404 },
  });
});

test('embeddings and token ids follow from the text', async (t) => {
  const engine = await start(t);
  const embedding = await post(engine, '/v1/embeddings', { input: ['a b', 'c'] });
  const { data } = (await embedding.json()) as { readonly data: readonly { readonly embedding: number[] }[] };
  assert.deepEqual(
    data.map((row) => row.embedding),
    [
      [3, 2, 0.5, -0.25],
      [1, 1, 0.5, -0.25],
    ],
  );
  const text = await post(engine, '/detokenize', { tokens: [4] });
  assert.deepEqual(await text.json(), { prompt: 'word_4 ' });
});
