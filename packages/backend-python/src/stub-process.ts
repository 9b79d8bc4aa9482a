import { spawn, type ChildProcess } from 'node:child_process';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { InferenceServerError, type BackendRequest } from '@nereid/backend-sdk';
import { Channel } from './channel.ts';
import type { Action, FromStub, ToStub, WireError } from './messages.ts';
import { ModelCalls } from './model-calls.ts';
import { StubMetrics } from './stub-metrics.ts';
import { describeRequest, RunningBatch, toError } from './running-batch.ts';
import type { StubServices } from './stub-services.ts';

const STUB = fileURLToPath(new URL('../python/stub.py', import.meta.url));
/** A process that was told to end and does not is killed after this long. */
const END_LIMIT_MS = 5000;

/** How a process is started. */
export interface StubOptions {
  /** The Python that runs it: a path or a command. */
  readonly interpreter: string;
  /** Added to the environment of the server. */
  readonly environment: Readonly<Record<string, string>>;
  readonly modelName: string;
  readonly decoupled: boolean;
  readonly services: StubServices;
}

interface Call {
  resolve(value: unknown): void;
  reject(error: InferenceServerError): void;
}

/** The process of one instance of a model. States: running → ended; then everything in it has failed. */
export class StubProcess {
  readonly #options: StubOptions;
  readonly #child: ChildProcess;
  readonly #channel: Channel;
  readonly #metrics: StubMetrics;
  readonly #modelCalls: ModelCalls;
  readonly #calls = new Map<number, Call>();
  readonly #batches = new Map<number, RunningBatch>();
  readonly #exited: Promise<void>;
  #next = 0;
  #ended: InferenceServerError | undefined;
  #isClosing = false;
  /** Called when the process has ended although nobody closed it. */
  onCrash: ((error: InferenceServerError) => void) | undefined = undefined;

  constructor(options: StubOptions) {
    this.#options = options;
    this.#metrics = new StubMetrics(options.services.metrics);
    this.#child = spawn(options.interpreter, [STUB], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      env: { ...process.env, PYTHONUNBUFFERED: '1', ...options.environment },
    });
    this.#channel = new Channel(socketOf(this.#child), (header, tensors) =>
      this.#onFrame(header as FromStub, tensors),
    );
    this.#modelCalls = new ModelCalls(options.services.models, (frame, tensors) =>
      this.#send(frame, tensors),
    );
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (cause) => {
        this.#onEnd(`can't be started with '${options.interpreter}': ${cause.message}`);
        resolve();
      });
      this.#child.once('exit', (status, signal) => {
        this.#onEnd(signal === null ? `ended with status ${status ?? 'unknown'}` : `was ended by ${signal}`);
        resolve();
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /**
   * Asks the process for something.
   *
   * @throws InferenceServerError with the code and the message of the exception in Python.
   */
  call(action: Action, value?: unknown): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const call = this.#next++;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.#send({ kind: 'call', call, action, value });
    });
  }

  /**
   * Executes a batch; resolves when the instance is free again.
   *
   * @throws InferenceServerError when `execute` raised or the process ended.
   */
  execute(requests: readonly BackendRequest[]): Promise<void> {
    const batch = this.#next++;
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const running = new RunningBatch(requests, this.#options.decoupled, (error) =>
        error === undefined ? resolve() : reject(error),
      );
      this.#batches.set(batch, running);
      const buffers: Uint8Array[] = [];
      const described = requests.map((request) => describeRequest(request, buffers));
      this.#send({ kind: 'execute', batch, requests: described }, buffers);
      for (const [index, request] of requests.entries()) {
        const cancel = (): void => {
          if (this.#batches.has(batch)) this.#send({ kind: 'cancel', batch, index });
        };
        if (request.isCancelled) cancel();
        else request.signal.addEventListener('abort', cancel, { once: true });
      }
    });
  }

  /** Lets the model finalize and ends the process. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#ended === undefined) {
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_LIMIT_MS);
      await this.call('finalize').catch((error: unknown) =>
        this.#log('error', `finalize failed: ${InferenceServerError.from(error).message}`),
      );
      socketOf(this.#child).end();
      await this.#exited;
      clearTimeout(timer);
    }
    this.#metrics.close();
  }

  #send(frame: ToStub, tensors?: readonly Uint8Array[]): void {
    this.#channel.send(frame, tensors);
  }

  #onFrame(frame: FromStub, tensors: Buffer): void {
    switch (frame.kind) {
      case 'done':
        this.#onBatch(frame.batch, (batch) => batch.onDone(frame, tensors));
        this.#logTraceback(frame.failed);
        return;
      case 'response':
        this.#onBatch(frame.batch, (batch) =>
          batch.onResponse(frame.index, frame.response, frame.final, tensors),
        );
        return;
      case 'reply':
        this.#onReply(frame);
        return;
      default:
        this.#serve(frame, tensors);
    }
  }

  /** What the model wants of the server. */
  #serve(frame: Exclude<FromStub, { kind: 'done' | 'response' | 'reply' }>, tensors: Buffer): void {
    switch (frame.kind) {
      case 'infer':
        void this.#modelCalls.infer(frame, tensors, this.#onlyRequest());
        return;
      case 'infer_cancel':
        this.#modelCalls.cancel(frame.call);
        return;
      case 'ask':
        void this.#modelCalls.ask(frame);
        return;
      case 'log':
        this.#log(frame.level, frame.message);
        return;
      case 'metric_new':
      case 'metric':
        this.#metrics.onFrame(frame);
    }
  }

  #onReply({ call: number, value, error }: Extract<FromStub, { kind: 'reply' }>): void {
    const call = this.#calls.get(number);
    this.#calls.delete(number);
    this.#logTraceback(error);
    if (error === undefined) call?.resolve(value);
    else call?.reject(toError(error));
  }

  #logTraceback(error: WireError | undefined): void {
    if (error?.traceback !== undefined) this.#log('error', error.traceback);
  }

  /** The request that a call must be for: the only one that the process has. */
  #onlyRequest(): BackendRequest | undefined {
    const [batch, ...others] = this.#batches.values();
    return others.length === 0 ? batch?.onlyRequest : undefined;
  }

  #onBatch(number: number, take: (batch: RunningBatch) => void): void {
    const batch = this.#batches.get(number);
    if (batch === undefined) return;
    take(batch);
    if (batch.isOver) this.#batches.delete(number);
  }

  #onEnd(how: string): void {
    if (this.#ended !== undefined) return;
    const message = `the Python process of model '${this.#options.modelName}' ${how}`;
    this.#ended = new InferenceServerError('UNAVAILABLE', message);
    for (const call of this.#calls.values()) call.reject(this.#ended);
    this.#calls.clear();
    this.#modelCalls.close();
    const open = [...this.#batches.values()];
    this.#batches.clear();
    // Told first: whoever is answered may ask whether the model is ready.
    if (!this.#isClosing) this.onCrash?.(this.#ended);
    for (const batch of open) batch.fail(this.#ended);
  }

  #log(level: 'verbose' | 'info' | 'warning' | 'error', message: string): void {
    const { services, modelName: model } = this.#options;
    if (level === 'verbose') services.logger.verbose(1, message, { model });
    else services.logger[level](message, { model });
  }
}

function socketOf(child: ChildProcess): Duplex {
  const socket = child.stdio[3];
  if (socket instanceof Duplex) {
    // What is written to a process that has just ended is lost with it.
    if (socket.listenerCount('error') === 0) socket.on('error', () => undefined);
    return socket;
  }
  throw new InferenceServerError('INTERNAL', 'the channel to a Python process could not be opened');
}
