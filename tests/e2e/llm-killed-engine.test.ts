/** One of several engines is killed amid the tokens of its streams, while all of them have requests. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { GrpcClient, InferInput } from '@nereid/client';
import { markedCommand } from '../llm/engine-processes.ts';
import type { EngineScript } from '../llm/engine-script.ts';
import { chat, generate, llmModel, metricValue } from '../llm/llm-models.ts';
import { until } from '../llm/until.ts';
import { makeRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };
const FOLDER = mkdtempSync(join(tmpdir(), 'nereid-killed-'));
after(() => rmSync(FOLDER, { recursive: true }));

const ENGINES = 3;
const TOKENS = 60;
/** Of what every engine has when one of them is killed: as many streams amid their tokens as requests without a first one. */
const WAVE = 24;
const SCRIPT: EngineScript = {
  firstTokenMs: 1500,
  // Five seconds of tokens: a slow machine needs some of them to ask the second wave.
  tokensPerSecond: 12,
  tokens: TOKENS,
  signsTokens: true,
  halves: true,
};

test('an engine that is killed under load takes nothing along but what it had begun', LIMIT, async () => {
  const command = await markedCommand(FOLDER, SCRIPT);
  await using repository = makeRepository();
  repository.write('llama', llmModel({ engine_command: command.path }, { model: 'tiny' }, ENGINES));
  await using server = await startServer(repository.path);
  const grpc = new GrpcClient(server.grpc);
  const before = await command.engines();
  assert.equal(before.length, ENGINES);
  const asked: Asked[] = [];
  const askWave = (): void => {
    for (let index = 0; index < WAVE; index += 1) {
      const api = APIS[Math.floor(index / ENGINES) % APIS.length] ?? chatStream;
      // Different from its beginning on: no engine is preferred.
      const name = `${index % 10}-${asked.length}`;
      const words: string[] = [];
      asked.push({ api, name, words, answer: api({ server, grpc, name, words }) });
    }
  };

  askWave();
  await until(() => (streamsOf(asked).every(({ words }) => words.length > 2) ? true : undefined));
  askWave();
  await until(async () => {
    const running = await metricValue(server, 'nereid_llm_running_requests');
    return running === 2 * WAVE ? true : undefined;
  });
  const killed = engineOfMost(asked);
  process.kill(killed, 'SIGKILL');
  const answers = await Promise.all(asked.map(async (one) => ({ ...one, ...(await one.answer) })));

  for (const { name, words } of answers) assertOwn(name, words);
  const failed = answers.filter(({ error }) => error !== undefined);
  for (const answer of answers) if (!failed.includes(answer)) assertWhole(answer);
  for (const { words } of failed) assert.deepEqual([engineOf(words), words.length > 0], [killed, true]);
  // Every API has lost what the engine had begun of it, but the one whose answers are whole: those are asked again elsewhere.
  assert.deepEqual(
    APIS.filter((api) => failed.some((answer) => answer.api === api)),
    APIS.filter((api) => api !== chatWhole),
  );
  for (const { api, error } of failed) assert.deepEqual(error, ERRORS.get(api)?.(reasonOf(error)));
  assert.equal(((await metricValue(server, 'nereid_llm_failovers_total')) ?? 0) > 0, true);

  await until(async () => {
    const restarts = await metricValue(server, 'nereid_llm_engine_restarts_total');
    return restarts === 1 && (await enginesUp(server)) === ENGINES ? true : undefined;
  });
  const fresh = (await command.engines()).find((pid) => !before.includes(pid)) ?? 0;
  const later = await Promise.all(
    // One for each engine: no two of them begin alike.
    Array.from({ length: ENGINES }, (_, index) =>
      generate(server, 'llama', { text_input: `${index} later` }),
    ),
  );
  assert.deepEqual(
    later.map(({ status }) => status),
    [200, 200, 200],
  );
  assert.equal(
    later.some(({ text }) => text.includes(`${fresh}.`)),
    true,
  );
  for (const metric of ['nereid_llm_running_requests', 'nereid_llm_queue_requests'])
    assert.equal(await metricValue(server, metric), 0, metric);
  await grpc.close();
});

interface Asked {
  readonly api: Api;
  readonly name: string;
  /** Those that have come. */
  readonly words: readonly string[];
  readonly answer: Promise<Answer>;
}

interface Answer {
  /** As it was told; undefined: none. */
  readonly error?: unknown;
  /** The end that the API has for an answer that is whole. */
  readonly isEnded: boolean;
}

/** Asks for a text that begins with a name, and adds its words as they come. */
type Api = (question: {
  readonly server: RunningServer;
  readonly grpc: GrpcClient;
  readonly name: string;
  readonly words: string[];
}) => Promise<Answer>;

const chatStream: Api = async ({ server, name, words }) => {
  const messages = [{ role: 'user', content: name }];
  const body = { model: 'llama', stream: true, max_tokens: TOKENS, messages };
  let error: unknown;
  let isEnded = false;
  for await (const data of eventsFrom(`${server.http}/v1/chat/completions`, body)) {
    if (data === '[DONE]') isEnded = true;
    else {
      const event = JSON.parse(data) as { choices?: { delta: { content?: string } }[]; error?: unknown };
      error ??= event.error === undefined ? undefined : event;
      add(words, event.choices?.[0]?.delta.content);
    }
  }
  return { error, isEnded };
};

const generateStream: Api = async ({ server, name, words }) => {
  const body = { text_input: name, stream: true, max_tokens: TOKENS, return_finish_reason: true };
  let error: unknown;
  let reason = '';
  for await (const data of eventsFrom(`${server.http}/v2/models/llama/generate_stream`, body)) {
    const event = JSON.parse(data) as { text_output?: string; finish_reason?: string; error?: string };
    error ??= event.error === undefined ? undefined : event;
    reason = event.finish_reason ?? reason;
    add(words, event.text_output);
  }
  return { error, isEnded: reason === 'stop' };
};

const grpcStream: Api = async ({ grpc, name, words }) => {
  const inputs = [
    InferInput.from('text_input', [name]),
    InferInput.fromBytes('stream', 'BOOL', [1], Uint8Array.of(1)),
  ];
  let error: unknown;
  let isEnded = false;
  for await (const answer of grpc.inferStream([{ modelName: 'llama', inputs }])) {
    if (answer.kind === 'result') {
      add(words, answer.result.asStrings('text_output')[0]);
      isEnded = answer.final;
    } else error = answer.error.message;
  }
  return { error, isEnded };
};

const chatWhole: Api = async ({ server, name, words }) => {
  const { status, text } = await chat(server, 'llama', name);
  const { choices } = JSON.parse(text) as { choices?: { message: { content: string } }[] };
  add(words, choices?.[0]?.message.content);
  return { error: status === 200 ? undefined : text, isEnded: true };
};

const APIS: readonly Api[] = [chatStream, generateStream, grpcStream, chatWhole];

/** Errors as the APIs tell them. */
const ERRORS: ReadonlyMap<Api, (message: string) => unknown> = new Map<Api, (message: string) => unknown>([
  [chatStream, (message) => ({ error: { message, type: 'server_error', param: null, code: null } })],
  [generateStream, (message) => ({ error: message })],
  [grpcStream, (message) => message],
]);

/** Which of the two ways there are to hear of the end is first, the connection or the process, is the system's choice. */
function reasonOf(error: unknown): string {
  const [found = ''] =
    /(?:Error generating stream: )?(?:engine 127\.0\.0\.1:\d+ broke off the connection: [^"]+|the engine was ended by SIGKILL)/.exec(
      JSON.stringify(error),
    ) ?? [];
  return found;
}

async function* eventsFrom(url: string, body: unknown): AsyncGenerator<string> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(response.status, 200);
  let rest = '';
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const events = `${rest}${piece}`.split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) if (event.trim() !== '') yield event.trim().slice('data: '.length);
  }
  assert.equal(rest, '');
}

function add(words: string[], text = ''): void {
  words.push(...(text.match(/\S+/g) ?? []));
}

/** The engine that answers most of the APIs. */
function engineOfMost(asked: readonly Asked[]): number {
  const apis = new Map<number, Set<Api>>();
  for (const { api, words } of asked) {
    if (words.length === 0) continue;
    const engine = engineOf(words);
    apis.set(engine, (apis.get(engine) ?? new Set()).add(api));
  }
  const [[engine] = [0]] = [...apis].toSorted(([, one], [, other]) => other.size - one.size);
  return engine;
}

async function enginesUp(server: RunningServer): Promise<number> {
  const instances = Array.from({ length: ENGINES }, (_, index) => `engine_name="llama_0_${index}"`);
  const values = await Promise.all(
    instances.map((label) => metricValue(server, 'nereid_llm_engine_up', label)),
  );
  return values.reduce<number>((sum, value = 0) => sum + value, 0);
}

function streamsOf(asked: readonly Asked[]): readonly Asked[] {
  return asked.filter(({ api }) => api !== chatWhole);
}

/** All words were said by one engine, in their order, to whoever asked. */
function assertOwn(name: string, words: readonly string[]): void {
  const engine = engineOf(words);
  assert.deepEqual(
    words,
    words.map((_, index) => `${engine}.${name}.${index}`),
  );
}

function assertWhole({ api, name, words, isEnded }: Asked & Answer): void {
  assert.deepEqual([words.length, isEnded], [TOKENS, true], `${api.name} ${name}`);
}

function engineOf([word = '']: readonly string[]): number {
  return Number(word.slice(0, word.indexOf('.')));
}
