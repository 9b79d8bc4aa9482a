import type { BackendModelInstance, ConfigCompletion, InstanceContext } from '@nereid/backend-sdk';
import type { Tensor } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { InferenceRequest } from '../request/inference-request.ts';
import type { InferenceResponse } from '../response/inference-response.ts';
import type { BackendHost } from './backend-host.ts';
import { HostedRequest, type HostedExecution } from './hosted-request.ts';
import type { BatchSink, HostedInstance, InstanceHost, ModelSpec } from './instance-host.ts';
import { toHostedFields } from './hosted-fields.ts';

/** Runs a model's instances on the serving thread: for backends that never block. */
export class InProcessHost implements InstanceHost {
  readonly #backends: BackendHost;
  readonly #spec: ModelSpec;

  constructor(backends: BackendHost, spec: ModelSpec) {
    this.#backends = backends;
    this.#spec = spec;
  }

  async completeConfig(): Promise<ConfigCompletion | undefined> {
    await this.#backends.loadModel(this.#spec);
    return this.#backends.completeConfig(this.#spec.key);
  }

  async validateConfig(config: ModelConfig): Promise<void> {
    // Begun at once: instances that are asked for meanwhile wait for it.
    await Promise.all([
      this.#backends.loadModel(this.#spec),
      this.#backends.validateConfig(this.#spec.key, config),
    ]);
  }

  async createInstance(context: InstanceContext): Promise<HostedInstance> {
    await this.#backends.loadModel(this.#spec);
    const instance = await this.#backends.createInstance(this.#spec.key, context);
    return new InProcessInstance({ backends: this.#backends, instance, spec: this.#spec }, context.config);
  }

  close(): Promise<void> {
    return this.#backends.closeModel(this.#spec.key);
  }
}

interface HostedParts {
  readonly backends: BackendHost;
  readonly instance: BackendModelInstance;
  readonly spec: ModelSpec;
}

class InProcessInstance implements HostedInstance {
  readonly #backends: BackendHost;
  readonly #instance: BackendModelInstance;
  readonly #spec: ModelSpec;
  readonly #decoupled: boolean;
  readonly #iterative: boolean;
  readonly #outputs: readonly string[];
  /** When the last execution ended: those that were handed over meanwhile could not begin before. */
  #endedAt = 0;

  constructor({ backends, instance, spec }: HostedParts, config: ModelConfig) {
    this.#backends = backends;
    this.#instance = instance;
    this.#spec = spec;
    this.#decoupled = config.model_transaction_policy?.decoupled ?? false;
    this.#iterative = config.sequence_batching?.iterative_sequence ?? false;
    this.#outputs = config.output.map((output) => output.name);
  }

  get takesNext(): boolean {
    return this.#instance.takesNext === true;
  }

  execute(requests: readonly InferenceRequest[], sink: BatchSink): void {
    const execution = new InProcessExecution(
      this.#spec,
      { decoupled: this.#decoupled, iterative: this.#iterative },
      requests,
      sink,
    );
    const hosted = requests.map((request, index) => {
      const own = new HostedRequest(execution, index, toHostedFields(request, this.#outputs), request.trace);
      request.holder = own;
      if (request.isCancelled) own.cancel();
      if (request.isPaused) own.pause(request, true);
      return own;
    });
    const failed = this.#backends.execute(this.#instance, hosted, this.#decoupled);
    if (typeof failed === 'boolean') this.#end(execution, failed);
    else void failed.then((threw) => this.#end(execution, threw));
  }

  async isReady(): Promise<boolean> {
    return (await this.#instance.isReady?.()) ?? true;
  }

  async close(): Promise<void> {
    await this.#instance.close?.();
  }

  #end(execution: InProcessExecution, failed: boolean): void {
    const now = performance.now();
    const inferNs = Math.round((now - Math.max(execution.handedOverAt, this.#endedAt)) * 1e6);
    this.#endedAt = now;
    execution.done(inferNs, failed);
  }
}

/**
 * One execution. Responses of ordinary models are kept until it is over, so that the time the backend took does
 * not include what others do with them.
 */
class InProcessExecution implements HostedExecution {
  readonly decoupled: boolean;
  readonly iterative: boolean;
  readonly backendName: string;
  readonly modelName: string;
  readonly handedOverAt = performance.now();
  readonly #requests: readonly InferenceRequest[];
  readonly #sink: BatchSink;
  readonly #kept: (() => void)[] = [];
  #isDone = false;

  constructor(
    { backendName, modelName }: ModelSpec,
    { decoupled, iterative }: Pick<HostedExecution, 'decoupled' | 'iterative'>,
    requests: readonly InferenceRequest[],
    sink: BatchSink,
  ) {
    this.#requests = requests;
    this.decoupled = decoupled;
    this.iterative = iterative;
    this.backendName = backendName;
    this.modelName = modelName;
    this.#sink = sink;
  }

  respond(index: number, response: InferenceResponse | undefined, final: boolean): void {
    if (this.decoupled || this.#isDone) this.#sink.onResponse(index, response, final);
    else this.#kept.push(() => this.#sink.onResponse(index, response, final));
  }

  recordActivity(index: number, name: string): void {
    this.#requests[index]?.trace?.recordActivity(name);
  }

  reschedule(index: number, states: readonly Tensor[]): void {
    if (this.decoupled || this.#isDone) this.#sink.onReschedule(index, states);
    else this.#kept.push(() => this.#sink.onReschedule(index, states));
  }

  done(inferNs: number, failed: boolean): void {
    this.#sink.onDone({ inputNs: 0, inferNs, outputNs: 0 }, failed);
    this.#isDone = true;
    for (const deliver of this.#kept) deliver();
  }
}
