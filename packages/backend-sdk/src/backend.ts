import type { ModelConfig } from '@nereid/protocol/model-config';
import type { BackendRequest } from './backend-request.ts';
import type { Logger } from './logger.ts';
import type { MemorySharing } from './memory-sharing.ts';
import type { MetricFactory } from './metrics.ts';
import type { ParameterSpec } from './model-parameters.ts';
import type { ModelAccess } from './model-access.ts';

/**
 * Where the instances of a backend run.
 *
 * - `executor-thread`: on a small pool of threads shared by all models. For work that blocks; the default.
 * - `own-thread`: a thread for each instance. For blocking work that also keeps thread-wide state.
 * - `in-process`: on the serving thread. Only for backends that never block: proxies, tests, tiny work.
 * - `child-process`: a process for each instance. A crash takes nothing else along; tensors are copied.
 */
export type InstanceHostKind = 'executor-thread' | 'own-thread' | 'in-process' | 'child-process';

/** What every part of a backend may use. */
export interface BackendContext {
  /** Name of the backend as in `config.pbtxt`. */
  readonly backendName: string;
  /** `--backend-config=<backend>,key=value` and `--backend-config=,key=value`, the first winning. */
  readonly settings: Readonly<Record<string, string>>;
  readonly logger: Logger;
  readonly metrics: MetricFactory;
  /** The other models of the server; only for backends that run `in-process`. */
  readonly models: ModelAccess;
  /**
   * Memory for a tensor, not zeroed, 8-byte aligned. Large ones get memory that was used before where they can: to fill
   * fresh memory takes several times as long. It can't be transferred to another thread.
   */
  allocate(byteSize: number): Uint8Array<ArrayBuffer>;
  /**
   * What this thread and other processes may have in common without a copy.
   *
   * @returns undefined where that can't be had: not on Linux, or without the addon for it.
   */
  shareMemory?(): MemorySharing | undefined;
  /**
   * Aborts when the server begins to stop: a load that waits for something, or has it built, gives up. In an executor,
   * when that is told to end.
   */
  readonly signal: AbortSignal;
}

/** A model version as the repository has it. */
export interface ModelContext extends BackendContext {
  readonly modelName: string;
  /** The version folder's number, as text. */
  readonly modelVersion: string;
  /** Folder of the model: `config.pbtxt`, labels and the version folders lie here. */
  readonly modelDirectory: string;
  /** Folder of this version. */
  readonly versionDirectory: string;
  /** The configuration as the file has it: before completion, missing fields at their defaults. */
  readonly config: ModelConfig;
  /**
   * Says what a load that takes long is doing now: the repository index shows it as the reason of LOADING, and the log has
   * it. After the load it is only logged.
   */
  reportProgress(text: string): void;
}

/** One of the instances that `instance_group` asks for. */
export interface InstanceContext {
  /** `<model>_<group>_<index>`. */
  readonly instanceName: string;
  readonly kind: 'KIND_CPU' | 'KIND_GPU' | 'KIND_MODEL';
  /** The GPU of a KIND_GPU instance, otherwise 0. */
  readonly deviceId: number;
  /** The complete, validated configuration. */
  readonly config: ModelConfig;
}

/** The part of a configuration that a backend may fill in where the file is silent. */
export type ConfigCompletion = Partial<
  Pick<
    ModelConfig,
    | 'input'
    | 'output'
    | 'max_batch_size'
    | 'dynamic_batching'
    | 'sequence_batching'
    | 'model_transaction_policy'
    | 'parameters'
  >
>;

/** A model version, loaded once in each thread or process that has an instance of it. */
export interface BackendModel {
  /**
   * Says what the model file knows and the configuration leaves out. Called once, before the first instance.
   * The result replaces those fields, so it must hold what the file already had.
   *
   * @throws InferenceServerError INVALID_ARG when the configuration contradicts the model.
   */
  completeConfig?(config: ModelConfig): ConfigCompletion | Promise<ConfigCompletion>;
  /**
   * Checks the complete configuration against the model. Called once for each version, before any instance.
   *
   * @throws InferenceServerError INVALID_ARG naming the field, what was expected and found.
   */
  validateConfig?(config: ModelConfig): void | Promise<void>;
  createInstance(context: InstanceContext): BackendModelInstance | Promise<BackendModelInstance>;
  /** Frees what the model holds, after its instances were closed. */
  close?(): void | Promise<void>;
}

/** What executes batches, one at a time. */
export interface BackendModelInstance {
  /**
   * Executes a batch and answers every request through its sender.
   *
   * The requests have the same input shapes apart from the batch dimension (unless an input is ragged), and
   * their batch sizes add up to at most `max_batch_size`. A thrown error fails those not answered yet; so does
   * returning with an ordinary model's request unanswered, unless it said `answerLater`. A decoupled model may go on
   * answering afterwards.
   */
  execute(requests: readonly BackendRequest[]): void | Promise<void>;
  /**
   * Whether `execute` may be called now although an execution runs, for instances that are elsewhere: the next batch is
   * there when this one is done. They are executed, and their promises settle, in the order of the calls. Asked before
   * each such call, and only for requests that could do nothing but wait: models with `dynamic_batching`,
   * `sequence_batching` or a rate limiter never are. On executor threads it is not asked. Default: false.
   */
  readonly takesNext?: boolean;
  /** Whether the instance can serve; false makes the model's readiness fail. Default: true. */
  isReady?(): boolean | Promise<boolean>;
  close?(): void | Promise<void>;
}

/** A kind of model file that a backend takes. */
export interface ModelFormat {
  /** Value of the old `platform` field that stands for this backend. */
  readonly platform?: string;
  /** File in the version folder when `default_model_filename` is not set; absent: the backend needs no file. */
  readonly defaultModelFilename?: string;
}

/** A backend that is a folder of files, without a module of its own: another backend, its runtime, runs it. */
export interface BackendFolder {
  /** Name in `config.pbtxt`. */
  readonly name: string;
  /** The folder, absolute: where its `package.json` lies, if it has one. */
  readonly directory: string;
  /** What `nereid.backend` in that `package.json` says; empty without one. */
  readonly manifest: Readonly<Record<string, unknown>>;
}

/** A backend, as declared by {@link defineBackend}. Its three life cycles are backend, model, instance. */
export interface Backend extends ModelFormat {
  /** Name in `config.pbtxt`: `backend: "onnxruntime"`. */
  readonly name: string;
  readonly instanceHost: InstanceHostKind;
  /** What it takes beside its own `platform` and `defaultModelFilename`. */
  readonly otherFormats?: readonly ModelFormat[];
  /** Instances of a group that names no count. Default: 1. */
  readonly defaultInstanceCount?: number;
  /**
   * Where instances run whose group doesn't say (KIND_AUTO, no group), on a machine with GPUs: `KIND_GPU` for a backend
   * that can use them. A group that names GPUs, or KIND_GPU, gets them in any case. Default: `KIND_CPU`.
   */
  readonly automaticKind?: 'KIND_CPU' | 'KIND_GPU';
  /**
   * The settings it takes (`--backend-config=<backend>,<name>=<value>`). With another one, or a wrong value, the backend
   * can't be used, which is said when the server starts. Absent: any name is accepted, and `readBackendSettings` checks
   * values when they are read.
   */
  readonly settings?: Readonly<Record<string, ParameterSpec>>;
  /** Called once in each thread or process before its first model. */
  start?(context: BackendContext): void | Promise<void>;
  createModel(context: ModelContext): BackendModel | Promise<BackendModel>;
  /**
   * Makes a backend of a folder whose manifest names this one as its `runtime`. A backend without this method is no
   * runtime.
   *
   * @throws InferenceServerError INVALID_ARG naming the file and what is wrong with it.
   */
  createBackend?(folder: BackendFolder): Backend | Promise<Backend>;
  /** Called when the thread or process ends. */
  stop?(): void | Promise<void>;
}
