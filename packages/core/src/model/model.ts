import type { ModelConfig } from '@nereid/protocol/model-config';
import { nameOf, type ModelIdentifier } from '../model-identifier.ts';
import type { ModelInstances, PreparedChange } from '../instance/model-instances.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { ModelStatistics } from '../telemetry/statistics.ts';
import { createInputRules, type InputRules } from '../request/input-rules.ts';
import { createOutputRules, type OutputRules } from '../response/finish-response.ts';

/** What a ready model version is made of. */
export interface ModelParts {
  readonly id: ModelIdentifier;
  readonly version: number;
  readonly config: ModelConfig;
  readonly scheduler: Scheduler;
  /** Undefined for an ensemble, which has no instances. */
  readonly instances: ModelInstances | undefined;
  readonly statistics: ModelStatistics;
  /** Stands for all that its answers depend on: the version, and the state of its files. */
  readonly identity: () => string;
  /** Labels of the classes, by output. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
}

/** A ready version of a model. Its requests go to its scheduler. */
export class Model {
  readonly id: ModelIdentifier;
  readonly name: string;
  readonly version: string;
  readonly versionNumber: number;
  readonly decoupled: boolean;
  readonly scheduler: Scheduler;
  readonly statistics: ModelStatistics;
  readonly inputRules: InputRules;
  readonly outputRules: OutputRules;
  /** Stands for all that its answers depend on: the version, and the state of its files. */
  readonly identity: () => string;
  readonly #instances: ModelInstances | undefined;
  #config: ModelConfig;
  #isClosed = false;

  constructor(parts: ModelParts) {
    this.id = parts.id;
    this.name = nameOf(parts.id);
    this.version = String(parts.version);
    this.versionNumber = parts.version;
    this.#config = parts.config;
    this.decoupled = parts.config.model_transaction_policy?.decoupled ?? false;
    this.scheduler = parts.scheduler;
    this.statistics = parts.statistics;
    this.inputRules = createInputRules(parts.config);
    this.outputRules = createOutputRules(parts.config.output, parts.config.max_batch_size, parts.labels);
    this.identity = parts.identity;
    this.#instances = parts.instances;
  }

  get config(): ModelConfig {
    return this.#config;
  }

  /** Whether its instances can serve. */
  isReady(): Promise<boolean> {
    return this.#instances?.isReady() ?? Promise.resolve(true);
  }

  /**
   * Makes ready what another configuration asks for, where only its instance groups or version policy differ.
   *
   * @throws InferenceServerError when an instance can't be made; the model is as it was then.
   */
  async prepareChange({
    instance_group,
    version_policy,
  }: Pick<ModelConfig, 'instance_group' | 'version_policy'>): Promise<PreparedChange> {
    const { version_policy: _replaced, ...rest } = this.#config;
    const config = { ...rest, instance_group, ...(version_policy !== undefined && { version_policy }) };
    const change = await this.#instances?.prepareChange(config);
    return {
      apply: () => {
        this.#config = config;
        change?.apply();
      },
      discard: async () => change?.discard(),
    };
  }

  /** Lets the requests in flight end, and frees everything. */
  async unload(): Promise<void> {
    while (this.scheduler.inFlightCount > 0) await this.scheduler.drain();
    await this.close();
  }

  /** Whether it takes no requests any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Frees everything at once; what is still queued is refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.scheduler.close();
    await this.#instances?.close();
  }
}
