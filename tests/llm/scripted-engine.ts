/**
 * A stand-in for a language-model engine: it speaks OpenAI's API over HTTP and does what its script says, faults included.
 * `scripted-engine-main.ts` runs it as a process.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { DueTimes } from './due-times.ts';
import {
  isInferencePath,
  type EngineReport,
  type EngineScript,
  type InferencePath,
} from './engine-script.ts';
import { EngineStream } from './engine-stream.ts';
import { countWords, Generation, type GenerationRequest } from './generation.ts';
import { readRequests, sendWhole, type RawRequest } from './raw-http.ts';

export type { EngineFault, EngineReport, EngineScript } from './engine-script.ts';

/** A request that an engine got. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An engine that runs. Disposing of it cuts its connections off and closes its port. */
export interface ScriptedEngine extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Requests for inference and embeddings, in the order they came. */
  readonly requests: readonly SeenRequest[];
  report(): EngineReport;
  /** Resolves when a report is so: looked at whenever a request comes, ends or is given up. */
  until(condition: (report: EngineReport) => boolean): Promise<void>;
  /** What comes from now on follows this script; what runs follows the one it began with. */
  set(script: EngineScript): Promise<void>;
  /** Cuts all connections off, and takes no more: as a process that was killed. */
  kill(): Promise<void>;
}

/** Where an engine listens, and what a process says of itself. */
export interface EngineOptions {
  readonly host?: string;
  /** Default: any free one. */
  readonly port?: number;
  readonly process?: Pick<EngineReport, 'argv' | 'childPid'>;
}

export async function startScriptedEngine(
  script: EngineScript = {},
  options: EngineOptions = {},
): Promise<ScriptedEngine> {
  const engine = new Engine(options);
  await engine.set(script);
  return engine;
}

/** A request that runs or waits for a slot. */
interface Job {
  readonly socket: Socket;
  readonly generation: Generation;
  readonly script: EngineScript;
}

class Engine implements ScriptedEngine {
  readonly requests: SeenRequest[] = [];
  readonly #options: EngineOptions;
  readonly #times = new DueTimes();
  readonly #sockets = new Set<Socket>();
  readonly #running = new Map<Socket, Job>();
  readonly #waiting: Job[] = [];
  readonly #abortedAtNs: string[] = [];
  readonly #watchers = new Set<() => void>();
  #script: EngineScript = {};
  #server: Server | undefined;
  #port: number;
  #seen = 0;
  #generated = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#port = options.port ?? 0;
  }

  get url(): string {
    return `http://${this.#options.host ?? '127.0.0.1'}:${String(this.#port)}`;
  }

  async set(script: EngineScript): Promise<void> {
    this.#script = script;
    if (script.fault === 'refuse-connections') await this.kill();
    else await this.#listen();
  }

  report(): EngineReport {
    const { argv = [], childPid } = this.#options.process ?? {};
    return {
      running: this.#running.size,
      waiting: this.#waiting.length,
      seen: this.#seen,
      aborted: this.#abortedAtNs.length,
      abortedAtNs: this.#abortedAtNs,
      connections: this.#sockets.size,
      argv,
      childPid,
    };
  }

  until(condition: (report: EngineReport) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition(this.report())) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#times.close();
  }

  async #listen(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#server = server;
    server.listen({ port: this.#port, host: this.#options.host ?? '127.0.0.1', backlog: 4096 });
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#giveUp(socket);
      this.#changed();
    });
    readRequests(socket, (request) => this.#answer(socket, request));
    this.#changed();
  }

  /** Its client has gone: what it asked for ends. */
  #giveUp(socket: Socket): void {
    const waiting = this.#waiting.findIndex((job) => job.socket === socket);
    if (waiting >= 0) this.#waiting.splice(waiting, 1);
    const isRunning = this.#running.delete(socket);
    if (waiting < 0 && !isRunning) return;
    this.#abortedAtNs.push(String(process.hrtime.bigint()));
    this.#startNext();
  }

  #answer(socket: Socket, request: RawRequest): void {
    const { path } = request;
    const { key, fault } = this.#script;
    if (path === '/health') sendWhole(socket, fault === 'unhealthy' ? 503 : 200, '');
    else if (path === '/metrics') sendWhole(socket, 200, this.#metrics(), { 'content-type': 'text/plain' });
    else if (path === '/scripted') sendWhole(socket, 200, JSON.stringify(this.report()));
    else if (key !== undefined && request.headers['authorization'] !== `Bearer ${key}`)
      sendError(socket, 401, 'Unauthorized');
    else if (path === '/v1/models') sendWhole(socket, 200, this.#models());
    else if (request.method !== 'POST') sendError(socket, 404, 'Not Found');
    else this.#answerPost(socket, request);
  }

  #answerPost(socket: Socket, { path, headers, body }: RawRequest): void {
    this.#see({ path, headers, body });
    let json: GenerationRequest;
    try {
      json = JSON.parse(body) as GenerationRequest;
    } catch (error) {
      sendError(socket, 400, `Invalid JSON: ${String(error)}`);
      return;
    }
    const { models, fault } = this.#script;
    if (models !== undefined && json.model !== undefined && !models.includes(json.model))
      sendError(socket, 404, `The model \`${json.model}\` does not exist.`);
    else if (fault === 'status-500' && path.startsWith('/v1/'))
      sendError(socket, 500, 'the engine is broken');
    else if (fault === 'status-429' && path.startsWith('/v1/'))
      sendError(socket, 429, 'too many requests', { 'retry-after': '1' });
    else if (isInferencePath(path)) this.#generate(socket, path, json);
    else sendOther(socket, path, json);
  }

  #see(request: SeenRequest): void {
    const { path, body } = request;
    if (isInferencePath(path) || path === '/v1/embeddings') this.requests.push(request);
    if (body.length > LARGE_BYTES) standStill(this.#script.readsLargeMs);
  }

  #generate(socket: Socket, path: InferencePath, request: GenerationRequest): void {
    const maxTokens = request.max_tokens ?? 1;
    if (maxTokens < 1) {
      sendError(socket, 400, `max_tokens must be at least 1, got ${String(maxTokens)}.`);
      return;
    }
    const script = this.#script;
    this.#seen += 1;
    this.#waiting.push({ socket, script, generation: new Generation(path, request, script, this.#seen) });
    this.#startNext();
    this.#changed();
  }

  #startNext(): void {
    const { slots = Infinity } = this.#script;
    while (this.#running.size < slots) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      this.#running.set(job.socket, job);
      this.#run(job);
    }
  }

  #run(job: Job): void {
    const { socket, generation, script } = job;
    const { fault, faultAfter = 2, firstTokenMs = 0, tokensPerSecond = 0 } = script;
    if (fault === 'silent' && faultAfter === 0) return;
    const onEnd = (): void => {
      this.#generated += generation.tokens.length;
      this.#running.delete(socket);
      this.#startNext();
      this.#changed();
    };
    if (generation.isStream) {
      new EngineStream(socket, generation, { script, times: this.#times, onEnd }).start();
      return;
    }
    const count = generation.tokens.length;
    const late = fault === 'slow-headers' && firstTokenMs === 0 ? 1000 : firstTokenMs;
    const ms = late + (tokensPerSecond > 0 ? (count * 1000) / tokensPerSecond : 0);
    const answer = (): void => {
      if (fault === 'cut-mid-token' || fault === 'cut-mid-event') {
        onEnd();
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"id":', () => socket.destroy());
      } else {
        sendWhole(socket, 200, fault === 'bad-json' ? '{"choices": [' : generation.whole());
        onEnd();
      }
    };
    if (ms > 0) this.#times.at(performance.now() + ms, answer);
    else answer();
  }

  #models(): string {
    const { models = ['scripted'] } = this.#script;
    return JSON.stringify({
      object: 'list',
      data: models.map((id) => ({ id, object: 'model', created: 1_700_000_000, owned_by: 'scripted' })),
    });
  }

  #metrics(): string {
    const { models: [model = ''] = ['scripted'] } = this.#script;
    const gauge = (name: string, value: number, type = 'gauge'): string =>
      `# HELP vllm:${name} Of a scripted engine.\n# TYPE vllm:${name} ${type}\nvllm:${name}{model_name="${model}"} ${value.toFixed(1)}\n`;
    return (
      gauge('num_requests_running', this.#running.size) +
      gauge('num_requests_waiting', this.#waiting.length) +
      gauge('generation_tokens_total', this.#generated, 'counter')
    );
  }

  #changed(): void {
    for (const look of this.#watchers) look();
  }
}

const LARGE_BYTES = 1024 * 1024;

/** Keeps the thread from everything else. */
function standStill(ms = 0): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Kinds of errors by status, in vLLM's words. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'AuthenticationError',
  404: 'NotFoundError',
  429: 'RateLimitError',
  500: 'InternalServerError',
};

function sendError(
  socket: Socket,
  code: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const type = ERROR_TYPES[code] ?? 'BadRequestError';
  sendWhole(socket, code, JSON.stringify({ error: { message, type, param: null, code } }), headers);
}

/** Embeddings, and texts to token ids and back: token i is `word_i `. */
function sendOther(socket: Socket, path: string, json: object): void {
  const { input, prompt, tokens, encoding_format: format } = json as OtherRequest;
  if (path === '/v1/embeddings')
    sendWhole(socket, 200, embeddings([input ?? []].flat(), format === 'base64'));
  else if (path === '/tokenize') {
    const ids = Array.from({ length: countWords(prompt ?? '') }, (_, index) => index);
    sendWhole(socket, 200, JSON.stringify({ count: ids.length, max_model_len: 2048, tokens: ids }));
  } else if (path === '/detokenize') {
    const text = (tokens ?? []).map((id) => `word_${String(id)} `).join('');
    sendWhole(socket, 200, JSON.stringify({ prompt: text }));
  } else sendError(socket, 404, 'Not Found');
}

interface OtherRequest {
  readonly input?: string | readonly string[];
  readonly encoding_format?: string;
  readonly prompt?: string;
  readonly tokens?: readonly number[];
}

/** The embedding of a text is its length, its number of words, and two constants. */
function embeddings(texts: readonly string[], isBase64: boolean): string {
  const tokens = texts.map(countWords).reduce((sum, count) => sum + count, 0);
  return JSON.stringify({
    object: 'list',
    model: 'scripted',
    data: texts.map((text, index) => {
      const vector = [text.length, countWords(text), 0.5, -0.25];
      const bytes = Buffer.from(new Float32Array(vector).buffer);
      return { object: 'embedding', index, embedding: isBase64 ? bytes.toString('base64') : vector };
    }),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}
