import { createNoModelAccess, type BackendModelInstance } from '@nereid/backend-sdk';
import { InferenceServerError, type Tensor } from '@nereid/protocol';
import { loadBackend } from '../backend/load-backend.ts';
import { BackendHost } from './backend-host.ts';
import { ResponsePacker, toWireError, unpackTensors } from './batch-transfer.ts';
import { createExecutorLogger, createExecutorMetrics } from './executor-services.ts';
import type {
  ExecutorCall,
  FromExecutor,
  Post,
  ToExecutor,
  WireBuffer,
  WireRequest,
  WireRequestExtras,
} from './executor-messages.ts';
import { HostedRequest, type HostedExecution } from './hosted-request.ts';
import { MappedRegions } from './mapped-regions.ts';
import type { ModelSpec } from './instance-host.ts';

interface LoadedInstance {
  readonly instance: BackendModelInstance;
  readonly decoupled: boolean;
  readonly iterative: boolean;
  readonly outputs: readonly string[];
  readonly backendName: string;
  readonly modelName: string;
}

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
  readonly #instances = new Map<string, LoadedInstance>();
  readonly #specs = new Map<string, ModelSpec>();
  readonly #batches = new Map<number, readonly HostedRequest[]>();
  readonly #regions = new MappedRegions();

  constructor(post: Post) {
    this.#post = post;
    const noModels = createNoModelAccess(
      "a backend on an executor can't call other models: that needs instanceHost 'in-process'",
    );
    this.#host = new BackendHost({
      loadBackend,
      logger: (backendName) => createExecutorLogger(backendName, post),
      metrics: createExecutorMetrics(post),
      models: () => noModels,
      reportProgress: (key, text) => post({ kind: 'progress', key, text }, []),
    });
  }

  onMessage(message: ToExecutor): void {
    if (message.kind === 'execute') this.#execute(message);
    else if (message.kind === 'cancel') this.#batches.get(message.batch)?.[message.index]?.cancel();
    else if (message.kind === 'pause')
      this.#batches.get(message.batch)?.[message.index]?.pause(undefined, message.isPaused);
    else if (message.kind === 'detachRegion') this.#regions.detach(message.id);
    else void this.#reply(message.call, message.body);
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
      this.#post({ kind: 'reply', call, result, error: undefined }, []);
    } catch (error) {
      this.#post({ kind: 'reply', call, result: undefined, error: toWireError(error) }, []);
    }
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
    this.#instances.set(instance, {
      instance: await this.#host.createInstance(key, context),
      decoupled: context.config.model_transaction_policy?.decoupled ?? false,
      iterative: context.config.sequence_batching?.iterative_sequence ?? false,
      outputs: context.config.output.map((output) => output.name),
      backendName: spec?.backendName ?? '',
      modelName: context.config.name,
    });
  }

  async #closeInstance(id: string): Promise<void> {
    const loaded = this.#instances.get(id);
    this.#instances.delete(id);
    await loaded?.instance.close?.();
  }

  #execute(message: ExecuteMessage): void {
    let buffers: readonly WireBuffer[];
    try {
      buffers = [message.buffer, ...message.regions.map((region) => this.#regions.bufferOf(region))];
    } catch (error) {
      this.#refuse(message, error);
      return;
    }
    const loaded = this.#instances.get(message.instance);
    const onEnd = (): void => void this.#batches.delete(message.batch);
    const batch = new ExecutorBatch({ ...message, buffers }, loaded, this.#post, onEnd);
    this.#batches.set(message.batch, batch.requests);
    batch.run(this.#host);
  }

  /** Answers a batch whose memory can't be had. */
  #refuse({ batch, requests }: ExecuteMessage, reason: unknown): void {
    const error = toWireError(reason);
    const responses = requests.map((_, index) => ({
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

/** A batch with all the memory its tensors lie in. */
type MappedBatch = Pick<ExecuteMessage, 'batch' | 'requests'> & { readonly buffers: readonly WireBuffer[] };

/** One execution: collects the responses and sends them together with the end of the execution. */
class ExecutorBatch implements HostedExecution {
  readonly decoupled: boolean;
  readonly iterative: boolean;
  readonly backendName: string;
  readonly modelName: string;
  readonly requests: readonly HostedRequest[];
  readonly #loaded: LoadedInstance | undefined;
  readonly #batch: number;
  readonly #post: Post;
  readonly #packer = new ResponsePacker();
  readonly #onEnd: () => void;
  readonly #receivedAt = performance.now();
  #open: number;
  #executing = true;
  #flushing = false;

  constructor(message: MappedBatch, loaded: LoadedInstance | undefined, post: Post, onEnd: () => void) {
    this.#loaded = loaded;
    this.#batch = message.batch;
    this.#post = post;
    this.#onEnd = onEnd;
    this.#open = message.requests.length;
    this.decoupled = loaded?.decoupled ?? false;
    this.iterative = loaded?.iterative ?? false;
    this.backendName = loaded?.backendName ?? '';
    this.modelName = loaded?.modelName ?? '';
    const outputs = loaded?.outputs ?? [];
    this.requests = message.requests.map((request, index) => this.#hosted(request, index, message, outputs));
  }

  run(host: BackendHost): void {
    const startedAt = performance.now();
    const instance = this.#loaded?.instance ?? GONE;
    const failed = host.execute(instance, this.requests, this.decoupled);
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
    this.#post({ kind: 'activity', batch: this.#batch, index, name, epochMs }, []);
  }

  reschedule(index: number, states: readonly Tensor[]): void {
    this.#packer.addReschedule(index, states);
    this.#open -= 1;
    if (this.decoupled || !this.#executing) this.#flushSoon();
  }

  #hosted(
    request: WireRequest,
    index: number,
    { buffers }: MappedBatch,
    outputs: readonly string[],
  ): HostedRequest {
    const extras = request.extras ?? PLAIN;
    return new HostedRequest(this, index, {
      id: extras.id,
      inputs: unpackTensors(request.inputs, buffers),
      batchSize: request.batchSize,
      requestedOutputs: request.extras?.requestedOutputs ?? outputs,
      parameters: extras.parameters,
      sequence: extras.sequence,
      priority: extras.priority,
      timeoutUs: extras.timeoutUs,
      deadline: extras.deadline,
      traceContext: extras.traceContext,
    });
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

  #send(done: Extract<FromExecutor, { kind: 'responses' }>['done']): void {
    const { responses, buffers } = this.#packer.take();
    this.#post({ kind: 'responses', batch: this.#batch, responses, buffers, done }, buffers);
    if (!this.#executing && this.#open === 0) this.#onEnd();
  }
}

/** Stands for an instance that was closed before its batch came. */
const GONE: BackendModelInstance = {
  execute() {
    throw new InferenceServerError('UNAVAILABLE', 'the model instance was closed');
  },
};
