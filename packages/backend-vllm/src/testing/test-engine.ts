/** An engine in a few lines, for tests of what is asked of engines and of what becomes of their answers. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InferenceServerError } from '@nereid/backend-sdk';
import type { Engine, EngineLease, EnginePool, LeaseOutcome } from '../engine.ts';
import { ConnectionPool } from '../http/connection-pool.ts';
import { findPreset, type Preset } from '../presets.ts';

/** A request that reached the engine. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
  /** Resolves when its connection was closed before the answer was complete. */
  readonly aborted: Promise<void>;
}

/** What an engine does with a request. */
export type EngineBehaviour = (request: SeenRequest, response: ServerResponse) => void | Promise<void>;

/** An engine at a free port. */
export interface TestEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly seen: readonly SeenRequest[];
}

/** Starts an engine. */
export async function startTestEngine(
  behave: EngineBehaviour,
  { modelName = 'engine-model', preset = 'vllm' }: { modelName?: string; preset?: Preset['name'] } = {},
): Promise<TestEngine> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    void receive(request, response).then((arrived) => {
      seen.push(arrived);
      return behave(arrived, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://127.0.0.1:${port}`);
  const connections = new ConnectionPool(url);
  return {
    engine: { url, modelName, headers: {}, connections, preset: presetOf(preset) },
    seen,
    [Symbol.asyncDispose]: async () => {
      connections.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An engine at a port where nobody listens. */
export async function absentEngine(): Promise<TestEngine> {
  const gone = await startTestEngine(() => undefined);
  await gone[Symbol.asyncDispose]();
  const connections = new ConnectionPool(gone.engine.url);
  return {
    engine: { ...gone.engine, connections },
    seen: [],
    [Symbol.asyncDispose]: () => Promise.resolve(connections.close()),
  };
}

/** The preset of a name. */
export function presetOf(name: Preset['name']): Preset {
  const preset = findPreset(name);
  if (preset === undefined) throw new Error(`no preset ${name}`);
  return preset;
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<SeenRequest> {
  const aborted = new Promise<void>((resolve) => {
    response.on('close', () => {
      if (!response.writableFinished) resolve();
    });
  });
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return {
    path: request.url ?? '',
    headers: request.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    aborted,
  };
}

/** Answers with JSON. */
export function answerJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Begins a stream of events. */
export function beginEvents(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
}

/** An event of a completion stream, as vLLM writes it. */
export function textEvent(text: string, more: Readonly<Record<string, unknown>> = {}): string {
  const { finish_reason: finishReason = null, index = 0, usage, ...rest } = more;
  const choice = { index, text, logprobs: null, finish_reason: finishReason, ...rest };
  return event({ object: 'text_completion', choices: [choice], ...(usage !== undefined && { usage }) });
}

/** Any event. */
export function event(body: unknown): string {
  return `data: ${typeof body === 'string' ? body : JSON.stringify(body)}\n\n`;
}

/** Places on engines: each once for a request, in their order. */
export class TestPool implements EnginePool {
  readonly isReady = true;
  readonly wantsPrefixes = false;
  /** How each lease ended. */
  readonly outcomes: [outcome: LeaseOutcome, tokens: number][] = [];
  /** Leases that are held. */
  readonly held = new Set<EngineLease>();
  readonly #engines: readonly Engine[];

  constructor(...engines: readonly Engine[]) {
    this.#engines = engines;
  }

  get engineCount(): number {
    return this.#engines.length;
  }

  acquire: EnginePool['acquire'] = ({ not }, done) => {
    const engine = this.#engines.find((candidate) => !not.has(candidate));
    if (engine === undefined) {
      done(undefined, new InferenceServerError('UNAVAILABLE', 'no other engine'));
      return () => undefined;
    }
    const lease: EngineLease = {
      engine,
      onLost: undefined,
      lastDataAt: 0,
      release: (outcome, tokens) => {
        if (this.held.delete(lease)) this.outcomes.push([outcome, tokens]);
      },
    };
    this.held.add(lease);
    done(lease, undefined);
    return () => undefined;
  };

  close(): Promise<void> {
    return Promise.resolve();
  }
}
