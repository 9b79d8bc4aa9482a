import {
  createBatchInputs,
  InferenceServerError,
  type BackendRequest,
  type ModelConfig,
} from '@nereid/backend-sdk';
import { AnswerWatch } from './answer-watch.ts';
import { Channel } from './channel.ts';
import { ExecutionLimit } from './execution-limit.ts';
import { LentTensors } from './lent-tensors.ts';
import { Lookahead } from './lookahead.ts';
import type { Action, DoneFrame, FromStub, ToStub, WireError } from './messages.ts';
import { ModelCalls } from './model-calls.ts';
import { describeRequest, RunningBatch, toError } from './running-batch.ts';
import { StubChild } from './stub-child.ts';
import { SharedMemoryFiles, type MemoryPaths } from './shared-memory-files.ts';
import type { StubLimits } from './stub-limits.ts';
import { StubMetrics } from './stub-metrics.ts';
import type { StubServices } from './stub-services.ts';
import { packTensors } from './wire-tensors.ts';

/** A process that was told to end and does not is killed after this long. */
const END_LIMIT_MS = 5000;

/** How a process is started. */
export interface StubOptions {
  /** The Python that runs it: a path or a command. */
  readonly interpreter: string;
  /** Added to the environment of the server. */
  readonly environment: Readonly<Record<string, string>>;
  readonly modelName: string;
  readonly limits: StubLimits;
  /** How long to look for the answer to a single request before the thread sleeps; 0: not at all. */
  readonly spinMicroseconds: number;
  readonly services: StubServices;
}

interface Call {
  resolve(value: unknown): void;
  reject(error: InferenceServerError): void;
}

/** The process of one instance of a model. States: running → ended; then everything in it has failed. */
export class StubProcess {
  readonly #options: StubOptions;
  readonly #child: StubChild;
  readonly #channel: Channel;
  readonly #metrics: StubMetrics;
  readonly #modelCalls: ModelCalls;
  readonly #calls = new Map<number, Call>();
  readonly #batches = new Map<number, RunningBatch>();
  /** Those that `execute` has not returned for, in their order: the first of them has begun. */
  readonly #line: RunningBatch[] = [];
  readonly #lookahead = new Lookahead();
  readonly #watch: AnswerWatch;
  /** When the process was free for the batch that has begun. */
  #begunAt = 0;
  /** Never, unless it can be told which of them have begun when the process ends, and they don't run at once. */
  #takesMore = false;
  #next = 0;
  #ended: InferenceServerError | undefined;
  /** undefined: the process can't map the server's memory, or may not. */
  #lent: LentTensors | undefined;
  #isClosing = false;
  /** Called when the process can't answer any more although nobody closed it; before what it had to do fails. */
  onCrash: (() => void) | undefined = undefined;

  constructor(options: StubOptions) {
    this.#options = options;
    this.#watch = new AnswerWatch(options.spinMicroseconds / 1000);
    this.#metrics = new StubMetrics(options.services.metrics, (frame) => this.#send(frame));
    this.#child = new StubChild({
      ...options,
      onGone: () => {
        if (!this.#isClosing) this.onCrash?.();
      },
      onEnd: (how) => this.#onEnd(how),
    });
    this.#channel = new Channel(this.#child.socket, {
      onFrame: (header, tensors) => this.#onFrame(header as FromStub, tensors),
      onGiveBack: (loan) => this.#lent?.giveBack(loan),
      onFault: (error) => this.#child.kill(`it sent what the server can't read: ${String(error)}`),
    });
    this.#modelCalls = new ModelCalls(options.services.models, (frame, tensors) =>
      this.#channel.sendSoon(frame, tensors),
    );
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Whether the process seems to be stopped or to hang. */
  get isSilent(): boolean {
    return this.#child.isSilent;
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

  /** Whether it should get another batch already, behind those that it has. */
  get takesNext(): boolean {
    return this.#takesMore && this.#line.length <= this.#lookahead.depth;
  }

  /** The model executes batches at the same time, if it gets them: it is to have one at a time. */
  neverAhead(): void {
    this.#takesMore = false;
  }

  /**
   * Executes a batch; resolves when the instance is free again.
   *
   * @param config - That of the instance: the process may have been started before the model completed it.
   * @returns Whether it was executed. False: the process ended before it had begun.
   * @throws InferenceServerError when `execute` raised or the process ended.
   */
  execute(requests: readonly BackendRequest[], config: ModelConfig): Promise<boolean> {
    const batch = this.#next++;
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const decoupled = config.model_transaction_policy?.decoupled ?? false;
    return new Promise((resolve, reject) => {
      // First, since it throws when a request lacks what it is made of.
      const made = config.batch_input.flatMap((entry) => createBatchInputs(requests, entry));
      let limit: ExecutionLimit | undefined;
      const running = new RunningBatch(requests, decoupled, {
        onBegin: () => {
          limit = this.#limitExecution();
        },
        onFinish: (error) => {
          limit?.close();
          if (error === undefined) resolve(true);
          else reject(error);
        },
        onGiveBack: () => resolve(false),
        hold: (tensors) => this.#options.services.shareMemory()?.hold(tensors),
      });
      this.#batches.set(batch, running);
      this.#line.push(running);
      if (this.#line.length === 1) this.#begin(running);
      const buffers: Uint8Array[] = [];
      const described = requests.map((request) => describeRequest(request, buffers, this.#lent));
      const extra = made.length > 0 && { batch_inputs: packTensors(made, buffers) };
      this.#channel.sendSoon({ kind: 'execute', batch, requests: described, ...extra }, buffers);
      this.#awaitAnswer();
      for (const [index, request] of requests.entries()) {
        request.onCancel(() => {
          if (this.#batches.has(batch)) this.#send({ kind: 'cancel', batch, index });
        });
        if (!decoupled) continue;
        request.onPause((paused) => {
          limit?.pause(paused);
          if (this.#batches.has(batch)) this.#send({ kind: 'pause', batch, index, paused });
        });
      }
    });
  }

  /** Ends the process at once. @param why - For the errors of what it had to do. */
  kill(why: string): void {
    this.#isClosing = true;
    this.#child.kill(why);
  }

  /** Lets the model finalize and ends the process. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#ended === undefined) {
      const timer = setTimeout(
        () => this.#child.kill(`finalize did not return within ${END_LIMIT_MS / 1000} s`),
        END_LIMIT_MS,
      );
      await this.call('finalize').catch((error: unknown) =>
        this.#log('error', `finalize failed: ${InferenceServerError.from(error).message}`),
      );
      this.#child.socket.end();
      await this.#child.ended;
      clearTimeout(timer);
    }
    this.#metrics.close();
  }

  #begin(batch: RunningBatch): void {
    this.#begunAt = performance.now();
    batch.begin();
  }

  /** `execute` has returned for the first batch of the line. */
  #proceed(): void {
    this.#lookahead.record(performance.now() - this.#begunAt);
    this.#line.shift();
    const [next] = this.#line;
    if (next !== undefined) this.#begin(next);
  }

  #limitExecution(): ExecutionLimit | undefined {
    const { executeSeconds } = this.#options.limits;
    if (executeSeconds === 0) return undefined;
    const why = `execute did not return within ${executeSeconds} s (EXECUTE_TIMEOUT_SECONDS)`;
    return new ExecutionLimit(executeSeconds * 1000, () => this.#child.kill(why));
  }

  #send(frame: ToStub, tensors?: readonly Uint8Array[]): void {
    this.#channel.send(frame, tensors);
  }

  /** Somebody waits for what the process says next, if it has one request alone. */
  #awaitAnswer(): void {
    const [batch] = this.#line;
    if (this.#line.length === 1 && batch?.onlyRequest !== undefined) this.#watch.begin();
    else this.#watch.stop();
  }

  #onFrame(frame: FromStub, tensors: Buffer): void {
    this.#watch.heard();
    this.#take(frame, tensors);
    // It asked for something, or answers bit by bit. What is left of a bundle is not waited for.
    if (frame.kind !== 'done') this.#awaitAnswer();
  }

  #take(frame: FromStub, tensors: Buffer): void {
    switch (frame.kind) {
      case 'done':
        this.#onDone(frame, tensors);
        return;
      case 'response':
        this.#onBatch(frame.batch, (batch) =>
          batch.onResponse(frame.index, frame.response, frame.final, tensors),
        );
        return;
      case 'reschedule':
        this.#onBatch(frame.batch, (batch) => batch.onReschedule(frame.index));
        return;
      case 'reply':
        this.#onReply(frame);
        return;
      case 'memory':
        this.#share(frame);
        return;
      case 'borrows':
        this.#lent = new LentTensors(this.#options.services);
        return;
      default:
        this.#serve(frame, tensors);
    }
  }

  #onDone(frame: DoneFrame, tensors: Buffer): void {
    const batch = this.#batches.get(frame.batch);
    // A process that ended may have left it behind although it had sent it.
    if (batch === undefined || batch.hasReturned) return;
    this.#logTraceback(frame.failed, batch);
    this.#proceed();
    this.#onBatch(frame.batch, () => batch.onDone(frame, tensors));
  }

  /** What the model wants of the server. */
  #serve(
    frame: Exclude<FromStub, { kind: 'done' | 'response' | 'reschedule' | 'reply' | 'memory' | 'borrows' }>,
    tensors: Buffer,
  ): void {
    switch (frame.kind) {
      case 'infer':
        void this.#modelCalls.infer(frame, tensors, this.#callerOf(frame));
        return;
      case 'reader':
        this.#modelCalls.onReader(frame);
        return;
      case 'activity':
        this.#batches.get(frame.batch)?.request(frame.index)?.recordActivity(frame.name);
        return;
      case 'ask':
        void this.#modelCalls.ask(frame);
        return;
      case 'log':
        this.#log(frame.level, frame.message, this.#onlyBatch());
        return;
      case 'metric_new':
      case 'metric_value':
      case 'metric':
        this.#metrics.onFrame(frame);
    }
  }

  /** Where the files can't be opened (other rights, another view of /proc), all tensors take the socket. */
  #share(paths: MemoryPaths): void {
    try {
      this.#channel.share(new SharedMemoryFiles(paths, this.#options.services));
      // What is borrowed counts as the model's own, of which it may have but so much.
      const lends = this.#options.limits.memoryBytes === undefined;
      this.#send({ kind: 'memory', ...(lends && { folder: `/proc/${String(process.pid)}/fd` }) });
      this.#takesMore = true;
    } catch (error) {
      this.#log('verbose', `no shared memory with the Python process: ${String(error)}`);
    }
  }

  #onReply({ call: number, value, error }: Extract<FromStub, { kind: 'reply' }>): void {
    const call = this.#calls.get(number);
    this.#calls.delete(number);
    this.#logTraceback(error);
    if (error === undefined) call?.resolve(value);
    else call?.reject(toError(error));
  }

  #logTraceback(error: WireError | undefined, batch?: RunningBatch): void {
    if (error?.traceback !== undefined) this.#log('error', error.traceback, batch);
  }

  /** The batch that a line or a call must be for: the one that runs, if none that ran before is still answered. */
  #onlyBatch(): RunningBatch | undefined {
    const [running] = this.#line;
    const others = this.#batches.size - this.#line.length;
    if (running === undefined) return others === 1 ? this.#batches.values().next().value : undefined;
    return others === 0 ? running : undefined;
  }

  /** The request that a call is made for: as the model says, else the only one that the process has. */
  #callerOf({ request }: Extract<FromStub, { kind: 'infer' }>): BackendRequest | undefined {
    if (request === null) return this.#onlyBatch()?.onlyRequest;
    const [batch, index] = request;
    return this.#batches.get(batch)?.request(index);
  }

  #onBatch(number: number, take: (batch: RunningBatch) => void): void {
    const batch = this.#batches.get(number);
    if (batch === undefined) return;
    take(batch);
    if (batch.isOver) this.#batches.delete(number);
    // Who answers by its senders later must not be surprised by the next batch.
    else if (batch.hasReturned) this.neverAhead();
  }

  #onEnd(how: string): void {
    if (this.#ended !== undefined) return;
    const message = `the Python process of model '${this.#options.modelName}' ${how}`;
    this.#ended = new InferenceServerError('UNAVAILABLE', message);
    for (const call of this.#calls.values()) call.reject(this.#ended);
    this.#calls.clear();
    this.#modelCalls.close();
    const lastBegun = this.#channel.takeLegacy() ?? Infinity;
    this.#channel.close();
    this.#lent = undefined;
    const open = [...this.#batches];
    this.#batches.clear();
    this.#line.length = 0;
    if (!this.#isClosing && this.onCrash !== undefined) this.#log('error', `${message}; it is started again`);
    for (const [number, batch] of open) {
      if (number <= lastBegun || batch.hasReturned) batch.fail(this.#ended);
      else batch.giveBack();
    }
  }

  #log(level: 'verbose' | 'info' | 'warning' | 'error', message: string, batch?: RunningBatch): void {
    const { services, modelName: model } = this.#options;
    const requestId = batch?.requestIds;
    const fields = { model, ...(requestId !== undefined && requestId !== '' && { requestId }) };
    if (level === 'verbose') services.logger.verbose(1, message, fields);
    else services.logger[level](message, fields);
  }
}
