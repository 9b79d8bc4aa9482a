import type { ModelConfig } from '@nereid/protocol/model-config';
import { InferenceServerError } from '@nereid/protocol/inference-server-error';
import type { Logger } from './logger.ts';

/**
 * A model that is being loaded or unloaded. The same object comes to every call about one load, so an agent may keep
 * what it knows of it in a WeakMap.
 */
export interface RepositoryAgentModel {
  readonly modelName: string;
  /** Folder of the model: in the repository, or where the agent before this one put it. Not to be written to. */
  readonly directory: string;
  /** The configuration, as the repository has it. */
  readonly config: ModelConfig;
  /** The agent's `parameters` in the configuration. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly logger: Logger;
  /** An empty folder that only the server's user can read. It is deleted when the model was unloaded, or its load failed. */
  makeDirectory(): Promise<string>;
}

/** What an agent may answer to a load. */
export interface RepositoryAgentLoad {
  /** Folder from which the model is to be loaded instead. */
  readonly directory: string;
}

/**
 * Has a say when models are loaded and unloaded: it may refuse one, or put another folder in its place. Agents are
 * called in the order of `model_repository_agents`, on the serving thread.
 */
export interface RepositoryAgent {
  /** Name in `config.pbtxt`. */
  readonly name: string;
  /** Before anything is loaded. What it throws fails the load, with its message. */
  load(model: RepositoryAgentModel): Promise<RepositoryAgentLoad | void> | RepositoryAgentLoad | void;
  /** The model serves. */
  loadComplete?(model: RepositoryAgentModel): Promise<void> | void;
  /** The load has failed, in this agent, after it, or in the model. */
  loadFail?(model: RepositoryAgentModel): Promise<void> | void;
  /** The model takes no more requests. */
  unload?(model: RepositoryAgentModel): Promise<void> | void;
  /** The last request has ended and the model is freed. */
  unloadComplete?(model: RepositoryAgentModel): Promise<void> | void;
}

/**
 * Declares a repository agent. The entry module of its package exports the result as its default, and `package.json`
 * names that module under `nereid.repositoryAgent`.
 *
 * ```ts
 * export default defineRepositoryAgent({
 *   name: 'decrypt',
 *   async load({ directory, parameters, makeDirectory }) {
 *     const plain = await makeDirectory();
 *     await decryptInto(plain, directory, parameters['key_file']);
 *     return { directory: plain };
 *   },
 * });
 * ```
 *
 * @throws InferenceServerError INVALID_ARG when the declaration is incomplete.
 */
export function defineRepositoryAgent(definition: RepositoryAgent): RepositoryAgent {
  const { name, load } = definition;
  if (/^[\w-]+$/.test(name) && typeof load === 'function') return Object.freeze({ ...definition });
  throw new InferenceServerError(
    'INVALID_ARG',
    `repository agent '${name}': 'name' must be letters, digits, _ and -, and 'load' a function`,
  );
}
