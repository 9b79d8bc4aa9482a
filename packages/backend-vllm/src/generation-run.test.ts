import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { decodeBytesTensor, decodeStrings, type Parameters } from '@nereid/backend-sdk';
import { createRecordingMetrics, type TestRequest } from '@nereid/backend-sdk/testing';
import { GenerationRun } from './generation-run.ts';
import { readOpenAiRequest } from './openai-request.ts';
import { StreamMetrics } from './stream-metrics.ts';
import {
  absentEngine,
  answerJson,
  beginEvents,
  event,
  presetOf,
  startTestEngine,
  TestPool,
  textEvent,
  type EngineBehaviour,
} from './testing/test-engine.ts';
import { textRequest, type GivenInputs } from './testing/test-request.ts';
import { readTextRequest, type TextModel } from './text-request.ts';
import { TokenTexts } from './token-texts.ts';

const LIMIT = { timeout: 20_000 };
const STREAM: GivenInputs = { text_input: 'p', stream: true };
const DONE = event('[DONE]');

/** A run of a request, and what is measured of it. */
interface Run {
  readonly client: TestRequest;
  readonly metrics: ReadonlyMap<string, number>;
}

function start(pool: TestPool, inputs: GivenInputs, parameters: Parameters = {}): Run {
  const client = textRequest(inputs, parameters);
  const values = new Map<string, number>();
  const metrics = new StreamMetrics(createRecordingMetrics(values), {});
  const model: TextModel = {
    preset: presetOf('vllm'),
    ignoredParameters: undefined,
    clientKeyParameter: undefined,
    trustsTemplates: false,
    texts: new TokenTexts(),
    resolveLora: (name) => name,
  };
  const isOpenAi = 'openai_request' in inputs;
  const request = isOpenAi ? readOpenAiRequest(client, undefined) : readTextRequest(client, model);
  GenerationRun.start({ client, request, pool, metrics, clientKey: '' });
  return { client, metrics: values };
}

/** Runs a request to its end. */
async function run(pool: TestPool, inputs: GivenInputs, parameters?: Parameters): Promise<Run> {
  const started = start(pool, inputs, parameters);
  await started.client.ended;
  return started;
}

function textsOf({ responses }: TestRequest): string[] {
  return responses.flatMap(({ outputs, error }) =>
    error === undefined
      ? outputs.filter(({ name }) => name === 'text_output').flatMap(decodeStrings)
      : [`! ${error.code}: ${error.message}`],
  );
}

function bytesOf({ responses }: TestRequest): string {
  return responses
    .flatMap(({ outputs }) => outputs)
    .map(({ data }) => Buffer.concat(decodeBytesTensor(data)).toString())
    .join('');
}

const twoTokens: EngineBehaviour = (_request, response) => {
  beginEvents(response);
  response.write(textEvent('a'));
  response.write(textEvent('b', { finish_reason: 'stop' }));
  response.write(event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } }));
  response.end(DONE);
};

test('gives a response for each token, the last one being the final one', LIMIT, async () => {
  await using started = await startTestEngine(twoTokens);
  const pool = new TestPool(started.engine);
  const { client, metrics } = await run(pool, STREAM);
  assert.deepEqual(textsOf(client), ['a', 'b']);
  assert.deepEqual(
    client.responses.map(({ final }) => final),
    [false, true],
  );
  assert.deepEqual(client.responses[1]?.parameters, {
    finish_reason: 'stop',
    prompt_tokens: 3,
    completion_tokens: 2,
  });
  assert.deepEqual(pool.outcomes, [['done', 5]]);
  assert.deepEqual(
    [metrics.get('nereid_llm_input_tokens_total'), metrics.get('nereid_llm_output_tokens_total')],
    [3, 2],
  );
});

test('gives one response without stream, the prompt in front (LLM-05)', LIMIT, async () => {
  await using started = await startTestEngine((_request, response) =>
    answerJson(response, { choices: [{ index: 0, text: ' world', finish_reason: 'stop' }] }),
  );
  const { client } = await run(new TestPool(started.engine), { text_input: 'hello' });
  assert.deepEqual(textsOf(client), ['hello world']);
});

test('hands a stream on byte for byte', LIMIT, async () => {
  const pieces = ['data: {"x":1}\n\ndata: {"y', '":"ü"}\n\n', ': odd\n\n', DONE];
  await using started = await startTestEngine(async (_request, response) => {
    beginEvents(response);
    for (const piece of pieces) await new Promise((resolve) => response.write(piece, resolve));
    response.end();
  });
  const { client } = await run(new TestPool(started.engine), { openai_request: '{"stream":true}' });
  assert.equal(bytesOf(client), pieces.join(''));
  assert.equal(
    client.responses.every(({ error }) => error === undefined),
    true,
  );
});

test('hands an answer on byte for byte, in one response, with what it says of usage', LIMIT, async () => {
  const body = '{ "id": 1,\n"usage": {"prompt_tokens": 7, "completion_tokens": 2} }';
  await using started = await startTestEngine((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(body.slice(0, 9), () => response.end(body.slice(9)));
  });
  const pool = new TestPool(started.engine);
  const { client } = await run(pool, { openai_request: '{}' });
  assert.deepEqual([client.responses.length, bytesOf(client)], [1, body]);
  assert.deepEqual(pool.outcomes, [['done', 9]]);
});

test("hands an engine's error on, as Triton words it to those who ask for text", LIMIT, async () => {
  const body = { error: { message: 'too long', type: 'BadRequestError' } };
  await using started = await startTestEngine((_request, response) => answerJson(response, body, 400));
  const pool = new TestPool(started.engine);
  const relayed = await run(pool, { openai_request: '{}' });
  const [answer] = relayed.client.responses;
  assert.deepEqual([answer?.error?.code, answer?.error?.http?.body], ['INVALID_ARG', JSON.stringify(body)]);
  const { client } = await run(pool, STREAM);
  assert.deepEqual(textsOf(client), ['! INVALID_ARG: Error generating stream: too long']);
  assert.equal(client.responses[0]?.error?.http, undefined);
});

for (const [status, outcome] of [
  [400, 'done'],
  [500, 'failed'],
  [501, 'done'],
] as const) {
  test(`an engine that answers ${status} is ${outcome} with the request`, LIMIT, async () => {
    await using engine = await startTestEngine((_request, response) => answerJson(response, {}, status));
    const pool = new TestPool(engine.engine);
    await run(pool, STREAM);
    assert.deepEqual(pool.outcomes, [[outcome, 0]]);
  });
}

for (const status of [429, 502, 503]) {
  test(`asks another engine when one answers ${status}`, LIMIT, async () => {
    await using busy = await startTestEngine((_request, response) => answerJson(response, {}, status));
    await using free = await startTestEngine(twoTokens);
    const pool = new TestPool(busy.engine, free.engine);
    const { client, metrics } = await run(pool, STREAM);
    assert.deepEqual(textsOf(client), ['a', 'b']);
    assert.deepEqual(
      pool.outcomes.map(([outcome]) => outcome),
      ['refused', 'done'],
    );
    assert.equal(metrics.get('nereid_llm_failovers_total'), 1);
  });
}

test('a request that can not be sent is answered, and is no fault of the engine', LIMIT, async () => {
  const client = textRequest(STREAM);
  await using absent = await absentEngine();
  const pool = new TestPool(absent.engine);
  const model = {
    preset: presetOf('vllm'),
    ignoredParameters: undefined,
    clientKeyParameter: undefined,
    trustsTemplates: false,
  };
  const request = readTextRequest(client, { ...model, texts: new TokenTexts(), resolveLora: String });
  const bodyFor = (): never => {
    throw new TypeError('a fault of ours');
  };
  const metrics = new StreamMetrics(createRecordingMetrics(new Map()), {});
  GenerationRun.start({ client, request: { ...request, bodyFor }, pool, metrics, clientKey: '' });
  await client.ended;
  assert.deepEqual(textsOf(client), ['! INTERNAL: a fault of ours']);
  assert.deepEqual(pool.outcomes, [['cancelled', 0]]);
});

test('asks another engine when one is not there', LIMIT, async () => {
  await using absent = await absentEngine();
  await using other = await startTestEngine(twoTokens);
  const pool = new TestPool(absent.engine, other.engine);
  const { client } = await run(pool, STREAM);
  assert.deepEqual(textsOf(client), ['a', 'b']);
});

test('says what the last engine said when none can take it', LIMIT, async () => {
  await using first = await startTestEngine((_request, response) => answerJson(response, {}, 503));
  await using second = await startTestEngine((_request, response) => {
    response.setHeader('retry-after', '9');
    answerJson(response, { error: { message: 'full' } }, 429);
  });
  const { client } = await run(new TestPool(first.engine, second.engine), STREAM);
  assert.deepEqual(textsOf(client), ['! UNAVAILABLE: Error generating stream: full']);
  assert.deepEqual(client.responses[0]?.error?.http, { status: 429, retryAfterSeconds: 9 });
});

test('asks the same engine once more when a connection breaks before the answer', LIMIT, async () => {
  let count = 0;
  await using started = await startTestEngine((request, response) => {
    count += 1;
    if (count === 1) response.destroy();
    else void twoTokens(request, response);
  });
  const { client } = await run(new TestPool(started.engine), STREAM);
  assert.deepEqual([textsOf(client), count], [['a', 'b'], 2]);
});

test('asks nobody else after the first token', LIMIT, async () => {
  await using breaking = await startTestEngine((_request, response) => {
    beginEvents(response);
    response.write(textEvent('a'), () => response.destroy());
  });
  await using other = await startTestEngine(twoTokens);
  const pool = new TestPool(breaking.engine, other.engine);
  const { client } = await run(pool, STREAM);
  assert.deepEqual([textsOf(client)[0], client.responses.length, other.seen.length], ['a', 2, 0]);
  assert.match(
    textsOf(client)[1] ?? '',
    /^! INTERNAL: Error generating stream: engine 127\.0\.0\.1:\d+ broke off/,
  );
  assert.deepEqual(pool.outcomes, [['failed', 1]]);
});

for (const [title, answer, message] of [
  ['no JSON', 'data: {"choices"\n\n', /expected a completion as JSON from the engine, found '\{"choices"'/],
  ['an error', event({ error: { message: 'engine died' } }), /engine died/],
  ['no end', textEvent('a'), /ended the stream before the completion was finished/],
] as const) {
  test(`fails a stream that has ${title}`, LIMIT, async () => {
    await using started = await startTestEngine((_request, response) => {
      beginEvents(response);
      response.end(answer);
    });
    const pool = new TestPool(started.engine);
    const { client } = await run(pool, STREAM);
    assert.match(textsOf(client).at(-1) ?? '', message);
    assert.equal(pool.outcomes[0]?.[0], 'failed');
  });
}

for (const half of ['', 'data: {"choices":[{"te']) {
  test(
    `fails a relayed stream that ends ${half === '' ? 'before it says so' : 'amid an event'}`,
    LIMIT,
    async () => {
      await using started = await startTestEngine((_request, response) => {
        beginEvents(response);
        response.end(`${textEvent('a')}${half}`);
      });
      const { client } = await run(new TestPool(started.engine), { openai_request: '{"stream":true}' });
      const last = client.responses.at(-1);
      assert.deepEqual(
        [last?.error?.message, last?.final],
        ['the engine ended the stream before [DONE]', true],
      );
      assert.equal(bytesOf(client), textEvent('a'));
    },
  );
}

test('passes on a [DONE] that is not ended', LIMIT, async () => {
  await using started = await startTestEngine((_request, response) => {
    beginEvents(response);
    response.end(`${textEvent('a')}data: [DONE]`);
  });
  const { client } = await run(new TestPool(started.engine), { openai_request: '{"stream":true}' });
  assert.equal(bytesOf(client), `${textEvent('a')}data: [DONE]`);
});

test('has the engine stop at once when its client goes', LIMIT, async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  await using started = await startTestEngine((_request, response) => {
    beginEvents(response);
    response.write(textEvent('a'), () => begin());
  });
  const pool = new TestPool(started.engine);
  const { client } = start(pool, STREAM);
  await begun;
  client.cancel();
  await started.seen[0]?.aborted;
  assert.deepEqual([client.responses.at(-1)?.error?.code, pool.outcomes[0]?.[0]], ['CANCELLED', 'cancelled']);
});

test('asks no engine for a client that has gone', LIMIT, async () => {
  await using started = await startTestEngine(twoTokens);
  const client = textRequest({ openai_request: '{}' });
  client.cancel();
  const pool = new TestPool(started.engine);
  const metrics = new StreamMetrics(createRecordingMetrics(new Map()), {});
  GenerationRun.start({
    client,
    request: readOpenAiRequest(client, undefined),
    pool,
    metrics,
    clientKey: '',
  });
  await client.ended;
  assert.deepEqual([started.seen.length, pool.held.size], [0, 0]);
});

test('fails what runs on an engine that is lost, or asks another one', LIMIT, async () => {
  await using silent = await startTestEngine(() => undefined);
  await using other = await startTestEngine(twoTokens);
  const pool = new TestPool(silent.engine, other.engine);
  const { client } = start(pool, STREAM);
  const [lease] = pool.held;
  lease?.onLost?.('the engine was stopped');
  await client.ended;
  assert.deepEqual(textsOf(client), ['a', 'b']);
});

test('asks for the texts of tokens once, and keeps the order of the stream', LIMIT, async () => {
  const logprobs = (id: number) => ({
    tokens: [`token_id:${id}`],
    token_logprobs: [-1],
    top_logprobs: [{ [`token_id:${id}`]: -1 }],
  });
  await using started = await startTestEngine(({ path, body }, response) => {
    if (path === '/detokenize') {
      answerJson(response, { prompt: `<${String(body['tokens'])}>` });
      return;
    }
    beginEvents(response);
    response.write(textEvent('a', { logprobs: logprobs(1) }) + textEvent('b', { logprobs: logprobs(2) }));
    response.end(textEvent('c', { logprobs: logprobs(1), finish_reason: 'stop' }) + DONE);
  });
  const asked = { ...STREAM, return_logprobs: true, sampling_parameters: '{"logprobs": 1}' };
  const { client } = await run(new TestPool(started.engine), asked);
  assert.deepEqual(textsOf(client), ['a', 'b', 'c']);
  const told = client.responses.map(
    ({ outputs }) => outputs.filter(({ name }) => name === 'logprobs').flatMap(decodeStrings)[0],
  );
  const step = (id: number) => `[{"${id}":{"logprob":-1,"rank":1,"decoded_token":"<${id}>"}}]`;
  assert.deepEqual(told, [step(1), step(2), step(1)]);
  assert.equal(started.seen.filter(({ path }) => path === '/detokenize').length, 2);
});

test('holds the engine back while its client does not read', LIMIT, async () => {
  const tokens = 64;
  const word = 'x'.repeat(1 << 16);
  await using started = await startTestEngine(async (_request, response) => {
    beginEvents(response);
    for (let sent = 0; sent < tokens; sent += 1) {
      if (!response.write(textEvent(word))) await once(response, 'drain');
    }
    response.end(textEvent('', { finish_reason: 'stop' }) + DONE);
  });
  const pool = new TestPool(started.engine);
  const { client } = start(pool, STREAM);
  client.pause(true);
  // Another client's whole stream comes meanwhile: there was time for this one, too.
  const { client: other } = await run(pool, STREAM);
  assert.equal(other.responses.length, tokens + 1);
  assert.ok(client.responses.length < 3, `${client.responses.length} responses came while it was paused`);
  client.pause(false);
  await client.ended;
  assert.equal(client.responses.length, tokens + 1);
});
