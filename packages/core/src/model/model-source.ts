import type { ConfigCompletion } from '@nereid/backend-sdk';
import type { InferenceServerError } from '@nereid/protocol';
import type { AgentRun } from '../agent/agent-run.ts';
import type { ModelIdentifier } from '../model-identifier.ts';
import type { IndexedModel } from '../repository/model-repository.ts';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { LoadTurns } from './load-turns.ts';

/** What a load call brings along instead of what the repository has. */
export interface ModelOverride {
  /** Model configuration as JSON text. */
  readonly config?: string;
  /** Files by path relative to the model's folder; they stand for the whole folder. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

/** What is known of a model that is to be loaded. */
export interface LoadWhat {
  readonly override?: ModelOverride | undefined;
  /** What a look at the repositories said of it just now; absent: its folder is looked at anew. */
  readonly found?: IndexedModel | undefined;
  /** Nothing is served yet: files are read in this thread, which is faster and blocks it. */
  readonly atStart?: boolean;
  /** What heavy loads among many wait for; absent: none has to. */
  readonly turns?: LoadTurns | undefined;
}

/** A model as read from a repository: configuration with defaults, and the versions to serve. */
export interface PreparedModel {
  readonly id: ModelIdentifier;
  readonly config: ModelConfig;
  /** Version folders that the policy selects, ascending. */
  readonly versions: readonly number[];
  /** Why no version is selected; undefined when there are some. */
  readonly problem: InferenceServerError | undefined;
  readonly modelDirectory: string;
  /** Changes when anything in the model's folder or the override does. */
  readonly fingerprint: string;
  /** One line a file or folder of the model's folder, that changes when it does. */
  readonly stamps: readonly string[];
  /** Of all files in the model's folder. */
  readonly byteSize: number;
  versionDirectory(version: number): string;
  /** The agents that hear of this load; undefined for none, and before they are asked. */
  readonly agents: AgentRun | undefined;
  /** Removes what an override put on disk. */
  discard(): Promise<void>;
}

/** Where models come from, as the life cycle of models sees it. */
export interface ModelSource {
  /** Whether a configuration must be complete (`--disable-auto-complete-config`). */
  readonly isStrict: boolean;
  /**
   * All models in the repositories.
   *
   * @param atStart - As in `LoadWhat`.
   */
  list(how?: { readonly atStart: boolean }): Promise<ReadonlyMap<ModelIdentifier, IndexedModel>>;
  /** The identifiers of all models in the repositories, each with the reason why it can't be used or undefined. */
  names(): Promise<ReadonlyMap<ModelIdentifier, string | undefined>>;
  /** The models of a name that lie in the repositories, in one of each namespace only. */
  identifiersOf(name: string): Promise<readonly ModelIdentifier[]>;
  /** Whether a model has no configuration where it must have one: it is then no model. */
  isUnconfigured(id: ModelIdentifier): Promise<boolean>;
  /**
   * Reads a model.
   *
   * @throws InferenceServerError INTERNAL when no repository has it, otherwise INVALID_ARG with the place in the file.
   */
  prepare(id: ModelIdentifier, what: LoadWhat): Promise<PreparedModel>;
  /**
   * Lets the model's repository agents act on its load: they may refuse it, or give it another folder.
   *
   * @throws InferenceServerError naming the agent, or INVALID_ARG as `prepare` for what lies in the other folder.
   */
  runAgents(prepared: PreparedModel): Promise<PreparedModel>;
  /**
   * The final configuration: completed by what the backend said of the model file, and checked.
   *
   * @throws InferenceServerError INVALID_ARG with the place in the file.
   */
  complete(prepared: PreparedModel, completion: ConfigCompletion | undefined): ModelConfig;
  /** The error for a field of the configuration, with its place in the file: `step[0].input_map["X"]`. */
  errorAt(prepared: PreparedModel, path: string, message: string): InferenceServerError;
  /** Fields of the configuration that are accepted without effect, each with its place. */
  unusedFields(prepared: PreparedModel): readonly string[];
  /** Labels of the classes, by output. */
  labels(prepared: PreparedModel, config: ModelConfig): Promise<ReadonlyMap<string, readonly string[]>>;
}
