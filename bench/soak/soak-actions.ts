/** What the clients of the soak do besides what those of `tests/stress` do. Each action ends, and checks its answers. */
import { GrpcClient, HttpClient, InferenceServerError, InferInput, type InferResult } from '@nereid/client';
import { RARE_ACTIONS, STEADY_ACTIONS, type Action, type Actor } from '../../tests/stress/actions.ts';
import { LANGUAGE_MODEL, streamTarget } from '../models/language-model.ts';
import { IDENTITY } from '../models/model-repository.ts';
import { PYTHON_MODELS } from '../models/python-models.ts';
import { TINY_ONNX } from './soak-models.ts';

const TOKENS = 8;
const MAX_RESPONSES = 6;
/** One in so many actions overloads a queue, or reloads a model. */
const RARITY = 200;

/** Shared memory of the clients, which the server is to map: the first half for inputs, the other for outputs. */
export interface ClientMemory {
  /** `/name` of the POSIX object. */
  readonly key: string;
  readonly byteSize: number;
}

/** Picks what a client does next. */
export type Mix = (actor: Actor) => Action;

/**
 * The mix of everything: each action about as often as any other, the costly ones now and then.
 *
 * @param only - Name of the one action to repeat, to find which one grows. Default: all.
 * @throws Error when there is none of that name.
 */
export function createMix(memory: ClientMemory, only?: string): Mix {
  const inMemory: Action = (actor) => sharedMemory(actor, memory);
  const own = [tinyOnnx, jsonBody, python, pythonStream, refused, freshConnection, languageModel, inMemory];
  const steady = [...STEADY_ACTIONS, ...own, ...own];
  if (only === undefined) return ({ random }) => random.pick(random.once(RARITY) ? RARE_ACTIONS : steady);
  const all = [...steady, ...RARE_ACTIONS];
  const found = all.find(({ name }) => name === only);
  if (found !== undefined) return () => found;
  const names = [...new Set(all.map(({ name }) => name))];
  throw new Error(`--only: expected one of ${names.join(', ')}, found '${only}'`);
}

async function tinyOnnx({ ledger, random, http, grpc }: Actor): Promise<void> {
  const value = random.below(1000);
  await ledger.ask(
    TINY_ONNX,
    async () => {
      const result = await random
        .pick([http, grpc])
        .infer(TINY_ONNX, [InferInput.from('X', Float32Array.of(value), [1, 1])]);
      return differs([2 * value + 1], result);
    },
    false,
  );
}

async function jsonBody({ ledger, random, http }: Actor): Promise<void> {
  const { values, input } = someValues(random.below(500));
  await ledger.ask(
    IDENTITY,
    async () => differs(values, await http.infer(IDENTITY, [input], { binaryData: false })),
    false,
  );
}

async function python({ ledger, random, http, grpc }: Actor): Promise<void> {
  const { values, input } = someValues(random.below(5000));
  const model = PYTHON_MODELS.identity;
  await ledger.ask(
    model,
    async () => differs(values, await random.pick([http, grpc]).infer(model, [input])),
    false,
  );
}

/** One in three is left before its last answer. */
async function pythonStream({ ledger, random, grpc }: Actor): Promise<void> {
  const model = PYTHON_MODELS.stream;
  const count = 1 + random.below(MAX_RESPONSES);
  const wanted = random.once(3) ? 1 : count;
  const inputs = [InferInput.from('X', Float32Array.of(count))];
  const run = async (): Promise<string | undefined> => {
    let seen = 0;
    for await (const answer of grpc.inferStream([{ modelName: model, inputs }])) {
      if (answer.kind === 'error') throw answer.error;
      const fault = differs([seen], answer.result);
      if (fault !== undefined) return fault;
      seen += 1;
      if (seen === wanted) return undefined;
    }
    return `${seen} responses in place of ${wanted}`;
  };
  await ledger.ask(model, run, false);
}

/** Requests that a server must refuse, each in words of its own: a name that nobody has, a shape, a body. */
async function refused({ ledger, random, http, grpc, httpPort }: Actor): Promise<void> {
  const client = random.pick([http, grpc]);
  const token = ledger.nextToken();
  const { input } = someValues(3);
  const wrong = random.pick([
    () => client.infer(`nobody-${token}`, [input]),
    () => client.infer(TINY_ONNX, [InferInput.from(`Z${token}`, Float32Array.of(1), [1, 1])]),
    () => client.infer(TINY_ONNX, [InferInput.from('X', Float32Array.of(1, 2), [1, 1, 2])]),
    () => notJson(httpPort, token),
  ]);
  await ledger.ask('refused', () => isRefused(wrong), false);
}

async function isRefused(request: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await request();
    return 'answered what it should have refused';
  } catch (error) {
    const { code, message } = InferenceServerError.from(error);
    return ['INVALID_ARG', 'NOT_FOUND'].includes(code) ? undefined : `${code} ${message}`;
  }
}

async function notJson(port: number, token: number): Promise<void> {
  const url = `http://127.0.0.1:${port}/v2/models/${IDENTITY}/infer`;
  const response = await fetch(url, { method: 'POST', body: `{"inputs": [${token}` });
  const answer = await response.text();
  // As Triton does, with 500.
  if (answer.includes('failed to parse the request JSON'))
    throw new InferenceServerError('INVALID_ARG', answer);
}

/** A client that comes, asks once and goes. */
async function freshConnection({ ledger, random, httpPort, grpcAddress }: Actor): Promise<void> {
  const client = random.once(2)
    ? new GrpcClient(grpcAddress)
    : new HttpClient(`http://127.0.0.1:${httpPort}`);
  const { values, input } = someValues(random.below(100));
  try {
    await ledger.ask(IDENTITY, async () => differs(values, await client.infer(IDENTITY, [input])), false);
  } finally {
    await client.close();
  }
}

/** A region that is registered for one request, whose output lies in it, too. */
async function sharedMemory({ ledger, http, grpc, random }: Actor, memory: ClientMemory): Promise<void> {
  const region = `region-${ledger.nextToken()}`;
  const byteSize = memory.byteSize / 2;
  const client = random.pick([http, grpc]);
  const shape = [byteSize / Float32Array.BYTES_PER_ELEMENT];
  const input = InferInput.fromSharedMemory('X', 'FP32', shape, { region, byteSize, offset: 0 });
  const output = { name: 'Y', sharedMemory: { region, byteSize, offset: byteSize } };
  const run = async (): Promise<undefined> => {
    await client.registerSystemSharedMemory({ name: region, ...memory });
    try {
      await client.infer(IDENTITY, [input], { outputs: [output] });
    } finally {
      await client.unregisterSystemSharedMemory(region);
    }
  };
  await ledger.ask('shared memory', run, false);
}

/** A stream of tokens, by either API; one in three clients goes while it runs. */
async function languageModel({ ledger, random, httpPort }: Actor): Promise<void> {
  const api = random.pick(['OpenAI chat', 'generate_stream'] as const);
  const { url, body } = streamTarget(`http://127.0.0.1:${httpPort}`, api, TOKENS);
  const isLeft = random.once(3);
  const run = async (): Promise<string | undefined> => {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body });
    if (response.body === null || response.status !== 200) return `status ${response.status}`;
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (isLeft) return undefined;
    }
    const words = text.match(/word_\d+/g)?.length ?? 0;
    return words === TOKENS ? undefined : `${words} tokens in place of ${TOKENS}`;
  };
  await ledger.ask(LANGUAGE_MODEL, run, false);
}

function someValues(count: number): { readonly values: readonly number[]; readonly input: InferInput } {
  const values = Array.from({ length: count + 1 }, (_, index) => (index % 16) / 4);
  return { values, input: InferInput.from('X', Float32Array.from(values)) };
}

/** What is wrong with output Y; undefined: nothing. */
function differs(expected: readonly number[], result: InferResult): string | undefined {
  const found = result.output('Y', 'FP32') ?? [];
  const isSame = found.length === expected.length && expected.every((value, index) => value === found[index]);
  return isSame ? undefined : `expected Y ${expected.slice(0, 8).join()}, found ${found.slice(0, 8).join()}`;
}
