import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import type { RegionHandle } from '@nereid/shared-memory';
import type { Region } from '../memory/region.ts';
import type { InferenceRequest, RequestHolder } from '../request/inference-request.ts';
import { errorResponse, type InferenceResponse } from '../response/inference-response.ts';
import type { BackendMetrics } from '../telemetry/metrics.ts';
import { writeRemoteLine } from '../telemetry/remote-log.ts';
import {
  batchByteLength,
  fromWireError,
  packBatch,
  passedRegions,
  unpackResponse,
  unpackTensors,
} from './batch-transfer.ts';
import type { ChannelListener, ExecutorChannel } from './executor-channel.ts';
import type {
  ExecutionEnd,
  ExecutorCall,
  FromExecutor,
  NumberedCall,
  Reply,
  WireBuffer,
  WireResponse,
} from './executor-messages.ts';
import type { BatchSink } from './instance-host.ts';
import { readAnswers } from './slot-answers.ts';
import { writeBatch } from './slot-batch.ts';
import { BATCH, type Slot } from './slot.ts';
import type { ModelHeads } from './tensor-heads.ts';

/** What executors report to. */
export interface ExecutorServices {
  logger(backendName: string): Logger;
  readonly metrics: BackendMetrics;
  /** What a load is doing; `key` is that of its `ModelSpec`. */
  reportProgress(key: string, text: string): void;
}

/** A batch that an executor has. */
interface RunningBatch {
  readonly requests: readonly InferenceRequest[];
  readonly heads: ModelHeads;
  readonly sink: BatchSink;
  readonly sentAt: number;
  /** Gives back what its inputs lie in. */
  readonly release: () => void;
  open: number;
  isDone: boolean;
}

interface Call {
  resolve(result: unknown): void;
  reject(error: InferenceServerError): void;
}

/** A batch to execute. */
export interface ExecuteOptions {
  readonly instance: number;
  readonly requests: readonly InferenceRequest[];
  readonly heads: ModelHeads;
  /** Names of the model's outputs. */
  readonly outputs: readonly string[];
  readonly sink: BatchSink;
}

/**
 * The serving thread's end of an executor. States: running → ended; once ended, everything in flight has
 * failed and every further call fails.
 */
export class Executor {
  readonly #channel: ExecutorChannel;
  readonly #services: ExecutorServices;
  readonly #calls = new Map<number, Call>();
  /** Calls of this turn of the event loop, which leave together: a message costs far more than what is in it. */
  #unsent: NumberedCall[] = [];
  readonly #batches = new Map<number, RunningBatch>();
  readonly #buffers: WireBuffer[] = [];
  /** Numbers of the regions that the executor has mapped. */
  readonly #regions = new Set<number>();
  #hasAnswered = false;
  #next = 0;
  #nextInstance = 0;
  #ended: InferenceServerError | undefined;

  constructor(start: (listener: ChannelListener) => ExecutorChannel, services: ExecutorServices) {
    this.#services = services;
    this.#channel = start({
      onMessage: (message) => this.#onMessage(message),
      onAnswer: (slot) => this.#onAnswer(slot),
      onExit: (reason) => this.#onExit(reason),
    });
  }

  /** A number for an instance on this executor. */
  newInstance(): number {
    return this.#nextInstance++;
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Whether it has answered a call: it is up. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Calls that it has not answered yet. */
  get openCalls(): number {
    return this.#calls.size;
  }

  /** Asks the executor for something. */
  call(body: ExecutorCall): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const call = this.#next++;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      // After all promises that are settled now, which may bring more calls.
      if (this.#unsent.push({ call, body }) === 1) process.nextTick(() => this.#sendCalls());
    });
  }

  execute(options: ExecuteOptions): void {
    const { requests, heads, sink } = options;
    if (this.#ended !== undefined) {
      failAll({ requests, sink }, this.#ended);
      return;
    }
    const batch = this.#next++;
    const sentAt = performance.now();
    const release = this.#sendInSlot(batch, options) ?? this.#sendAsMessage(batch, options);
    this.#batches.set(batch, {
      requests,
      heads,
      sink,
      sentAt,
      release,
      open: requests.length,
      isDone: false,
    });
    const holder = new BatchHolder(this.#channel, batch, requests);
    for (const request of requests) {
      request.holder = holder;
      if (request.isCancelled) holder.cancel(request);
      if (request.isPaused) holder.pause(request, true);
    }
  }

  /** @returns What gives the slot back; undefined: the batch can't go that way. */
  #sendInSlot(batch: number, { instance, requests, heads }: ExecuteOptions): (() => void) | undefined {
    const { mailbox } = this.#channel;
    if (mailbox === undefined || passedRegions(requests).length > 0) return undefined;
    const slot = mailbox.take();
    if (slot === undefined) return undefined;
    const release = (): void => mailbox.give(slot);
    if (writeBatch(slot, { batch, instance, requests, heads })) {
      mailbox.send(slot);
      return release;
    }
    release();
    return undefined;
  }

  /** @returns What gives the buffer back. */
  #sendAsMessage(batch: number, { instance, requests, outputs }: ExecuteOptions): () => void {
    const regions = this.#channel.mailbox === undefined ? [] : passedRegions(requests);
    const buffer = this.#takeBuffer(batchByteLength(requests, regions));
    const wire = packBatch(requests, { buffer, regions, allOutputs: outputs });
    const handles = regions.map((region) => this.#share(region));
    this.#channel.post({ kind: 'execute', instance, batch, buffer, regions: handles, requests: wire });
    return () => this.#giveBuffer(buffer);
  }

  /** The executor maps a region when it first comes with a batch; it is told when the region goes. */
  #share(region: Region): RegionHandle {
    const { handle } = region.memory;
    if (this.#regions.has(handle.id)) return handle;
    this.#regions.add(handle.id);
    region.onClose(() => {
      this.#regions.delete(handle.id);
      if (this.#ended === undefined) this.#channel.post({ kind: 'detachRegion', id: handle.id });
    });
    return handle;
  }

  /** Ends the backends in it, and then the thread or process. */
  async close(): Promise<void> {
    if (this.#ended === undefined) await this.call({ kind: 'close' }).catch(() => undefined);
    await this.#channel.terminate();
  }

  #sendCalls(): void {
    const calls = this.#unsent;
    this.#unsent = [];
    if (this.#ended === undefined) this.#channel.post({ kind: 'calls', calls });
  }

  #onMessage(message: FromExecutor): void {
    switch (message.kind) {
      case 'responses':
        this.#onResponses(message);
        return;
      case 'replies':
        this.#hasAnswered = true;
        for (const reply of message.replies) this.#onReply(reply);
        return;
      case 'log':
        writeRemoteLine(this.#services.logger(message.backend), message);
        return;
      case 'activity':
        this.#onActivity(message);
        return;
      case 'progress':
        this.#services.reportProgress(message.key, message.text);
        return;
      case 'metric':
        this.#services.metrics.apply(message.update);
    }
  }

  #onReply({ call: number, result, error }: Reply): void {
    const call = this.#calls.get(number);
    this.#calls.delete(number);
    if (error === undefined) call?.resolve(result);
    else call?.reject(fromWireError(error));
  }

  #onActivity({ batch, index, name, epochMs }: Extract<FromExecutor, { kind: 'activity' }>): void {
    const trace = this.#batches.get(batch)?.requests[index]?.trace;
    trace?.recordActivity(name, Math.round((epochMs - performance.timeOrigin) * 1e6));
  }

  #onResponses({ batch, responses, buffers, done }: Extract<FromExecutor, { kind: 'responses' }>): void {
    const running = this.#batches.get(batch);
    if (running === undefined) return;
    if (done !== undefined) {
      running.isDone = true;
      endExecution(running, done);
    }
    for (const response of responses) {
      if (response.final || response.isRescheduled) running.open -= 1;
      if (response.isRescheduled)
        running.sink.onReschedule(response.index, unpackTensors(response.outputs ?? [], buffers));
      else running.sink.onResponse(response.index, toResponse(running, response, buffers), response.final);
    }
    if (!running.isDone || running.open > 0) return;
    this.#batches.delete(batch);
    running.release();
  }

  #onAnswer(slot: Slot): void {
    const batch = slot.doubles[BATCH] ?? -1;
    const running = this.#batches.get(batch);
    if (running === undefined) return;
    const { answers, end } = readAnswers(slot, running.heads.outputs);
    this.#batches.delete(batch);
    // First of all, so that the batch that comes next finds it.
    running.release();
    endExecution(running, end);
    for (const { index, response } of answers) running.sink.onResponse(index, response, true);
  }

  #onExit(reason: string): void {
    this.#ended = new InferenceServerError('UNAVAILABLE', reason);
    for (const call of this.#calls.values()) call.reject(this.#ended);
    this.#calls.clear();
    for (const running of this.#batches.values()) failAll(running, this.#ended);
    this.#batches.clear();
  }

  /** A buffer of at least that size: the last one that came back, or a new one. */
  #takeBuffer(byteLength: number): WireBuffer {
    const at = this.#buffers.findIndex((buffer) => buffer.byteLength >= byteLength);
    const [found] = at < 0 ? [] : this.#buffers.splice(at, 1);
    if (found !== undefined) return found;
    const size = Math.max(4096, 2 ** Math.ceil(Math.log2(byteLength)));
    return this.#channel.mailbox === undefined ? new ArrayBuffer(size) : new SharedArrayBuffer(size);
  }

  /** Keeps the largest few. */
  #giveBuffer(buffer: WireBuffer): void {
    this.#buffers.push(buffer);
    if (this.#buffers.length <= 4) return;
    this.#buffers.sort((a, b) => a.byteLength - b.byteLength).shift();
  }
}

/** Tells the executor of requests that were cancelled, and of those that are to make a break. */
class BatchHolder implements RequestHolder {
  readonly #channel: ExecutorChannel;
  readonly #batch: number;
  readonly #requests: readonly InferenceRequest[];

  constructor(channel: ExecutorChannel, batch: number, requests: readonly InferenceRequest[]) {
    this.#channel = channel;
    this.#batch = batch;
    this.#requests = requests;
  }

  cancel(request: InferenceRequest): void {
    this.#channel.post({ kind: 'cancel', batch: this.#batch, index: this.#requests.indexOf(request) });
  }

  pause(request: InferenceRequest, isPaused: boolean): void {
    const index = this.#requests.indexOf(request);
    this.#channel.post({ kind: 'pause', batch: this.#batch, index, isPaused });
  }
}

/** A response as it arrived. What it was made of can go with the last one: the executor had copies of it. */
function toResponse(
  { requests }: RunningBatch,
  response: WireResponse,
  buffers: readonly WireBuffer[],
): InferenceResponse | undefined {
  const unpacked = unpackResponse(response, buffers);
  const spent = response.final ? requests[response.index]?.inputs : undefined;
  return unpacked === undefined || spent === undefined ? unpacked : { ...unpacked, spent };
}

/** Tells that the instance is free. What the executor did not count is the way there and back. */
function endExecution({ sink, sentAt }: RunningBatch, { times, failed }: ExecutionEnd): void {
  const { inputNs, inferNs } = times;
  const total = Math.round((performance.now() - sentAt) * 1e6);
  sink.onDone({ inputNs, inferNs, outputNs: Math.max(0, total - inputNs - inferNs) }, failed);
}

function failAll(
  { requests, sink }: Pick<RunningBatch, 'requests' | 'sink'>,
  error: InferenceServerError,
): void {
  sink.onDone({ inputNs: 0, inferNs: 0, outputNs: 0 }, true);
  requests.forEach((request, index) => {
    if (!request.isEnded) sink.onResponse(index, errorResponse(error), true);
  });
}
