import { createNoModelAccess } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { loadBackend } from '../backend/load-backend.ts';
import { BackendHost } from './backend-host.ts';
import { toWireError, unpackTensors } from './batch-transfer.ts';
import { ExecutorBatch, type ExecutorBatchParts, type LoadedInstance } from './executor-batch.ts';
import { createExecutorLogger, createExecutorMetrics } from './executor-services.ts';
import type {
  ExecutorCall,
  Post,
  Reply,
  ToExecutor,
  WireBuffer,
  WireRequestExtras,
} from './executor-messages.ts';
import type { HostedRequest } from './hosted-request.ts';
import type { ModelSpec } from './instance-host.ts';
import type { MailboxReceiver } from './mailbox-receiver.ts';
import { MappedRegions } from './mapped-regions.ts';
import { writeAnswers } from './slot-answers.ts';
import { readBatch } from './slot-batch.ts';
import { BATCH, INSTANCE, REQUEST_COUNT, type Slot } from './slot.ts';
import { headsOf } from './tensor-heads.ts';

/** How long replies may wait for others of a turn that loads several models, one after the other. */
const LONG_TURN_MS = 1;

type ExecuteMessage = Extract<ToExecutor, { kind: 'execute' }>;

/** What a request has that came without extras. */
const PLAIN: Omit<WireRequestExtras, 'requestedOutputs'> = {
  id: '',
  parameters: {},
  sequence: undefined,
  priority: 0,
  timeoutUs: 0,
  deadline: undefined,
  traceContext: undefined,
};

/** Does what the serving thread asks: life cycles of backends, and executions. */
export class ExecutorLoop {
  readonly #post: Post;
  readonly #host: BackendHost;
  readonly #instances = new Map<number, LoadedInstance>();
  readonly #specs = new Map<string, ModelSpec>();
  readonly #batches = new Map<number, readonly HostedRequest[]>();
  readonly #regions = new MappedRegions();
  /** Messages so far that are not to come after the answers to the batch in which they were sent. */
  #posted = 0;
  #replies: Reply[] = [];
  #firstReplyAt = 0;

  constructor(post: Post) {
    this.#post = (message, transfer) => {
      if (message.kind !== 'metric') this.#posted += 1;
      post(message, transfer);
    };
    const noModels = createNoModelAccess(
      "a backend on an executor can't call other models: that needs instanceHost 'in-process'",
    );
    this.#host = new BackendHost({
      loadBackend,
      logger: (backendName) => createExecutorLogger(backendName, this.#post),
      metrics: createExecutorMetrics(this.#post),
      models: () => noModels,
      reportProgress: (key, text) => this.#post({ kind: 'progress', key, text }, []),
    });
  }

  onMessage(message: ToExecutor): void {
    if (message.kind === 'execute') this.#execute(message);
    else if (message.kind === 'cancel') this.#batches.get(message.batch)?.[message.index]?.cancel();
    else if (message.kind === 'pause')
      this.#batches.get(message.batch)?.[message.index]?.pause(undefined, message.isPaused);
    else if (message.kind === 'detachRegion') this.#regions.detach(message.id);
    else if (message.kind === 'calls')
      for (const { call, body } of message.calls) void this.#reply(call, body);
  }

  /** An error that no execution can be blamed for, from a timer or a promise of a backend. */
  reportFault(error: unknown): void {
    const backend = new Set([...this.#specs.values()].map(({ backendName }) => backendName));
    createExecutorLogger([...backend].join(', '), this.#post).error('a backend let an error escape', {
      cause: error,
    });
  }

  async #reply(call: number, body: ExecutorCall): Promise<void> {
    try {
      const result = await this.#answer(body);
      this.#sendSoon({ call, result, error: undefined });
    } catch (error) {
      this.#sendSoon({ call, result: undefined, error: toWireError(error) });
    }
  }

  /** Replies of one turn leave together, as a message costs far more than what is in it; but none waits for long. */
  #sendSoon(reply: Reply): void {
    const now = performance.now();
    if (this.#replies.push(reply) === 1) {
      this.#firstReplyAt = now;
      process.nextTick(() => this.#sendReplies());
    } else if (now - this.#firstReplyAt > LONG_TURN_MS) {
      this.#sendReplies();
    }
  }

  #sendReplies(): void {
    const replies = this.#replies;
    if (replies.length === 0) return;
    this.#replies = [];
    this.#post({ kind: 'replies', replies }, []);
  }

  #answer(body: ExecutorCall): Promise<unknown> {
    switch (body.kind) {
      case 'loadModel':
        this.#specs.set(body.spec.key, body.spec);
        return this.#host.loadModel(body.spec);
      case 'completeConfig':
        return this.#host.completeConfig(body.key);
      case 'validateConfig':
        return this.#host.validateConfig(body.key, body.config);
      case 'createInstance':
        return this.#createInstance(body);
      case 'isReady':
        return Promise.resolve(this.#instances.get(body.instance)?.instance.isReady?.() ?? true);
      case 'closeInstance':
        return this.#closeInstance(body.instance);
      case 'closeModel':
        this.#specs.delete(body.key);
        return this.#host.closeModel(body.key);
      case 'close':
        return this.#host.close();
    }
  }

  async #createInstance({
    key,
    instance,
    context,
  }: Extract<ExecutorCall, { kind: 'createInstance' }>): Promise<void> {
    const spec = this.#specs.get(key);
    const heads = headsOf(context.config);
    this.#instances.set(instance, {
      instance: await this.#host.createInstance(key, context),
      decoupled: context.config.model_transaction_policy?.decoupled ?? false,
      iterative: context.config.sequence_batching?.iterative_sequence ?? false,
      heads,
      outputs: context.config.output.map((output) => output.name),
      backendName: spec?.backendName ?? '',
      modelName: context.config.name,
    });
  }

  async #closeInstance(id: number): Promise<void> {
    const loaded = this.#instances.get(id);
    this.#instances.delete(id);
    await loaded?.instance.close?.();
  }

  #execute(message: ExecuteMessage): void {
    let buffers: readonly WireBuffer[];
    try {
      buffers = [message.buffer, ...message.regions.map((region) => this.#regions.bufferOf(region))];
    } catch (error) {
      this.#refuse(message.batch, message.requests.length, error);
      return;
    }
    const loaded = this.#instances.get(message.instance);
    if (loaded === undefined) {
      this.#refuse(message.batch, message.requests.length, goneError());
      return;
    }
    const requests = message.requests.map(({ inputs, batchSize, extras }) => ({
      ...(extras ?? { ...PLAIN, requestedOutputs: loaded.outputs }),
      inputs: unpackTensors(inputs, buffers),
      batchSize,
    }));
    this.#run({ batch: message.batch, requests, loaded });
  }

  /** Executes the batch of a slot, which goes back with the answers, or free once they were sent as messages. */
  executeSlot(slot: Slot, mailbox: MailboxReceiver): void {
    const batch = slot.doubles[BATCH] ?? 0;
    const loaded = this.#instances.get(slot.get(INSTANCE));
    if (loaded === undefined) {
      this.#refuse(batch, slot.get(REQUEST_COUNT), goneError());
      return;
    }
    const { heads, outputs } = loaded;
    const requests = readBatch(slot, heads).map(({ requestedOutputs = outputs, ...fields }) => ({
      ...PLAIN,
      ...fields,
      requestedOutputs,
    }));
    const posted = this.#posted;
    const answer: ExecutorBatchParts['answer'] = (outcomes, end) => {
      // What was said while it was executed must not come after the answers: lines of the log, other responses.
      if (posted !== this.#posted || !writeAnswers(slot, outcomes, heads.outputs, end)) return false;
      mailbox.answer(slot);
      return true;
    };
    this.#run({ batch, requests, loaded, answer });
  }

  #run(parts: Omit<ExecutorBatchParts, 'post' | 'onEnd'>): void {
    const onEnd = (): void => void this.#batches.delete(parts.batch);
    const batch = new ExecutorBatch({ ...parts, post: this.#post, onEnd });
    this.#batches.set(parts.batch, batch.requests);
    batch.run(this.#host);
  }

  /** Answers a batch that can't be executed. */
  #refuse(batch: number, requestCount: number, reason: unknown): void {
    const error = toWireError(reason);
    const responses = Array.from({ length: requestCount }, (_, index) => ({
      index,
      final: true,
      outputs: undefined,
      parameters: undefined,
      error,
      isRescheduled: false,
    }));
    const done = { times: { inputNs: 0, inferNs: 0, outputNs: 0 }, failed: true };
    this.#post({ kind: 'responses', batch, responses, buffers: [], done }, []);
  }
}

function goneError(): InferenceServerError {
  return new InferenceServerError('UNAVAILABLE', 'the model instance was closed');
}
