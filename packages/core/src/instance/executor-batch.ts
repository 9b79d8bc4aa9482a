import type { BackendModelInstance } from '@nereid/backend-sdk';
import type { Tensor } from '@nereid/protocol';
import type { BackendHost } from './backend-host.ts';
import { ResponsePacker, type Outcome } from './batch-transfer.ts';
import type { ExecutionEnd, Post } from './executor-messages.ts';
import { HostedRequest, type HostedExecution, type HostedRequestFields } from './hosted-request.ts';
import type { ModelHeads } from './tensor-heads.ts';

/** An instance of a model on an executor. */
export interface LoadedInstance {
  readonly instance: BackendModelInstance;
  readonly decoupled: boolean;
  readonly iterative: boolean;
  readonly heads: ModelHeads;
  /** Names of the model's outputs. */
  readonly outputs: readonly string[];
  readonly backendName: string;
  readonly modelName: string;
}

/** What an execution is made of. */
export interface ExecutorBatchParts {
  readonly batch: number;
  readonly requests: readonly HostedRequestFields[];
  readonly loaded: LoadedInstance;
  readonly post: Post;
  /** Sends the answers to all requests another way than as a message; false: it can't. */
  readonly answer?: (outcomes: readonly Outcome[], end: ExecutionEnd) => boolean;
  /** Everything is answered. */
  readonly onEnd: () => void;
}

/** One execution: collects the responses and sends them together with the end of the execution. */
export class ExecutorBatch implements HostedExecution {
  readonly decoupled: boolean;
  readonly iterative: boolean;
  readonly backendName: string;
  readonly modelName: string;
  readonly requests: readonly HostedRequest[];
  readonly #parts: ExecutorBatchParts;
  readonly #packer = new ResponsePacker();
  readonly #receivedAt = performance.now();
  #open: number;
  #executing = true;
  #flushing = false;

  constructor(parts: ExecutorBatchParts) {
    const { loaded, requests } = parts;
    this.#parts = parts;
    this.#open = requests.length;
    this.decoupled = loaded.decoupled;
    this.iterative = loaded.iterative;
    this.backendName = loaded.backendName;
    this.modelName = loaded.modelName;
    this.requests = requests.map((fields, index) => new HostedRequest(this, index, fields));
  }

  run(host: BackendHost): void {
    const startedAt = performance.now();
    const failed = host.execute(this.#parts.loaded.instance, this.requests, this.decoupled);
    if (typeof failed === 'boolean') this.#done(startedAt, failed);
    else void failed.then((threw) => this.#done(startedAt, threw));
  }

  respond(index: number, response: Parameters<ResponsePacker['add']>[1], final: boolean): void {
    this.#packer.add(index, response, final);
    if (final) this.#open -= 1;
    if (this.decoupled || !this.#executing) this.#flushSoon();
  }

  recordActivity(index: number, name: string): void {
    const epochMs = performance.timeOrigin + performance.now();
    this.#parts.post({ kind: 'activity', batch: this.#parts.batch, index, name, epochMs }, []);
  }

  reschedule(index: number, states: readonly Tensor[]): void {
    this.#packer.addReschedule(index, states);
    this.#open -= 1;
    if (this.decoupled || !this.#executing) this.#flushSoon();
  }

  #done(startedAt: number, failed: boolean): void {
    this.#executing = false;
    const inputNs = Math.round((startedAt - this.#receivedAt) * 1e6);
    const inferNs = Math.round((performance.now() - startedAt) * 1e6);
    this.#send({ times: { inputNs, inferNs, outputNs: 0 }, failed });
  }

  /** Sends what decoupled models answer, together with all they answer in the same turn. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      if (!this.#packer.isEmpty) this.#send(undefined);
    });
  }

  #send(done: ExecutionEnd | undefined): void {
    if (!this.#sendAnswers(done)) {
      const { batch, post } = this.#parts;
      const { responses, buffers } = this.#packer.take();
      post({ kind: 'responses', batch, responses, buffers, done }, buffers);
    }
    if (!this.#executing && this.#open === 0) this.#parts.onEnd();
  }

  /** @returns Whether all is sent. */
  #sendAnswers(done: ExecutionEnd | undefined): boolean {
    if (done === undefined || this.#open > 0) return false;
    return this.#parts.answer?.(this.#packer.outcomes, done) ?? false;
  }
}
