/** What the clients of the mix do. Each action makes its requests, checks their answers, and always ends. */
import { connect } from 'node:net';
import {
  InferInput,
  type GrpcClient,
  type HttpClient,
  type InferenceClient,
  type InferResult,
} from '@nereid/client';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';

export interface Actor {
  readonly http: HttpClient;
  readonly grpc: GrpcClient;
  readonly httpPort: number;
  /** host:port */
  readonly grpcAddress: string;
  readonly random: Random;
  readonly ledger: Ledger;
}

export type Action = (actor: Actor) => Promise<void>;

const MAX_RESPONSES = 6;
/** More than the queue of the model `small` takes. */
const BURST = 24;

/** What clients do all the time, each as often as it is picked. */
export const STEADY_ACTIONS: readonly Action[] = [
  ...repeatAction(6, unary),
  ...repeatAction(3, unaryLeft),
  ...repeatAction(2, disconnect),
  pipelined,
  ...repeatAction(2, responsesOverHttp),
  ...repeatAction(2, generateStream),
  ...repeatAction(2, streamOverGrpc),
  ...repeatAction(2, sequence),
];

/** What happens now and then. */
export const RARE_ACTIONS: readonly Action[] = [overload, reload];

function repeatAction(times: number, action: Action): Action[] {
  return Array.from({ length: times }, () => action);
}

async function unary(actor: Actor): Promise<void> {
  await echo(actor, actor.random.pick(['echo', 'ordered', 'chain', 'reloaded']), undefined);
}

/** A client that gives up within a few milliseconds: before, while or after its request runs. */
async function unaryLeft(actor: Actor): Promise<void> {
  const signal = AbortSignal.timeout(actor.random.below(6));
  await echo(actor, actor.random.pick(['echo', 'ordered', 'chain', 'small']), signal);
}

async function echo(
  { random, ledger, http, grpc }: Actor,
  model: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const token = ledger.nextToken();
  const client: InferenceClient = random.pick([http, grpc]);
  const run = async (): Promise<string | undefined> => {
    const result = await client.infer(model, [batched('INPUT0', token)], {
      requestId: String(token),
      signal,
    });
    return crossed(token, valueOf(result, 'OUTPUT0'));
  };
  await ledger.ask(model, run, signal !== undefined);
}

/** A plain socket that is closed without a word. */
function disconnect({ random, ledger, httpPort }: Actor): Promise<void> {
  const model = random.pick(['echo', 'ordered', 'small']);
  const input = { name: 'INPUT0', datatype: 'INT32', shape: [1, 1], data: [ledger.nextToken()] };
  const body = JSON.stringify({ inputs: [input] });
  const tally = ledger.tally(model);
  tally.asked += 1;
  tally.left += 1;
  return new Promise((resolve) => {
    const socket = connect(httpPort, '127.0.0.1');
    socket.on('error', () => undefined).on('close', () => resolve());
    const head = `POST /v2/models/${model}/infer HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`;
    socket.write(head + body, () => setTimeout(() => socket.destroy(), random.below(4)));
  });
}

/** Requests sent at once over one plain socket, cut anywhere: their answers come in their order. */
async function pipelined({ random, ledger, httpPort }: Actor): Promise<void> {
  const model = 'echo';
  const tokens = Array.from({ length: 1 + random.below(20) }, () => ledger.nextToken());
  const sent = tokens.map((token) => {
    const input = { name: 'INPUT0', datatype: 'INT32', shape: [1, 1], data: [token] };
    const body = JSON.stringify({ inputs: [input] });
    return `POST /v2/models/${model}/infer HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  const bytes = sent.join('');
  const cut = random.below(bytes.length);
  const socket = connect(httpPort, '127.0.0.1').setEncoding('latin1');
  socket.write(bytes.slice(0, cut), () => socket.write(bytes.slice(cut)));
  let answers = '';
  const read = async (): Promise<number[]> => {
    for await (const piece of socket) {
      answers += String(piece);
      const found = [...answers.matchAll(/"data":\[(\d+)\]/g)].map(([, token]) => Number(token));
      if (found.length >= tokens.length) return found;
    }
    throw new Error(`the connection was closed behind ${answers}`);
  };
  const reading = read();
  for (const [at, token] of tokens.entries()) {
    await ledger.ask(model, async () => crossed(token, (await reading)[at] ?? NaN), false);
  }
}

async function responsesOverHttp(actor: Actor): Promise<void> {
  await decoupled(actor, async function* (token, count) {
    const inputs = [single('TOKEN', token), single('COUNT', count)];
    for await (const result of actor.http.inferResponses('repeat', inputs)) {
      yield [valueOf(result, 'TOKEN_OUT'), valueOf(result, 'INDEX')];
    }
  });
}

async function generateStream(actor: Actor): Promise<void> {
  await decoupled(actor, async function* (token, count) {
    for await (const event of actor.http.generateStream('repeat', { TOKEN: token, COUNT: count })) {
      yield [Number(event['TOKEN_OUT']), Number(event['INDEX'])];
    }
  });
}

async function streamOverGrpc(actor: Actor): Promise<void> {
  await decoupled(actor, async function* (token, count) {
    const inputs = [single('TOKEN', token), single('COUNT', count)];
    for await (const answer of actor.grpc.inferStream([{ modelName: 'repeat', inputs }])) {
      if (answer.kind === 'error') throw answer.error;
      yield [valueOf(answer.result, 'TOKEN_OUT'), valueOf(answer.result, 'INDEX')];
    }
  });
}

type Answers = (token: number, count: number) => AsyncIterable<readonly [token: number, index: number]>;

/** A decoupled request: each answer once, in order, none of another request; one in three is left early. */
async function decoupled({ random, ledger }: Actor, answers: Answers): Promise<void> {
  const token = ledger.nextToken();
  const count = random.below(MAX_RESPONSES);
  const leaveAt = random.once(3) ? random.below(MAX_RESPONSES) : Infinity;
  let seen = 0;
  const run = async (): Promise<string | undefined> => {
    for await (const [ownToken, index] of answers(token, count)) {
      const fault = crossed(token, ownToken);
      if (fault !== undefined) return fault;
      if (index !== seen) return `response ${index} in place of ${seen} to request ${token}`;
      seen += 1;
      if (seen > leaveAt) return undefined;
    }
    return seen === count ? undefined : `${seen} responses in place of ${count} to request ${token}`;
  };
  await ledger.ask('repeat', run, false);
}

/** A sequence adds up its own values, whatever runs beside it. */
async function sequence({ random, ledger, http, grpc }: Actor): Promise<void> {
  const id = ledger.nextToken();
  const client: InferenceClient = random.pick([http, grpc]);
  const steps = 1 + random.below(5);
  let sum = 0;
  for (let step = 0; step < steps; step += 1) {
    const value = random.below(1000);
    sum += value;
    const expected = sum;
    const options = { sequence: { id, start: step === 0, end: step === steps - 1 } };
    const run = async (): Promise<string | undefined> => {
      const result = await client.infer('sum', [batched('INPUT', value)], options);
      return crossed(expected, valueOf(result, 'OUTPUT'));
    };
    await ledger.ask('sum', run, false);
  }
}

/** More at once than the queue takes: what is refused is refused, the rest is answered. */
async function overload(actor: Actor): Promise<void> {
  await Promise.all(Array.from({ length: BURST }, () => echo(actor, 'small', undefined)));
}

async function reload({ http }: Actor): Promise<void> {
  await http.loadModel('reloaded');
}

function crossed(expected: number, found: number): string | undefined {
  return found === expected ? undefined : `expected ${expected}, found ${found}`;
}

function valueOf(result: InferResult, output: string): number {
  return result.output(output, 'INT32')?.[0] ?? NaN;
}

function batched(name: string, value: number): InferInput {
  return InferInput.from(name, Int32Array.of(value), [1, 1]);
}

function single(name: string, value: number): InferInput {
  return InferInput.from(name, Int32Array.of(value), [1]);
}
