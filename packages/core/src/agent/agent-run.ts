import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger, RepositoryAgent, RepositoryAgentModel } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { AgentRegistry } from './agent-registry.ts';

/** A model that agents are asked about. */
export interface AgentSubject {
  /** With the agents, in `model_repository_agents`. */
  readonly config: ModelConfig;
  /** The model's folder in the repository. */
  readonly directory: string;
}

/** What agents need. */
export interface AgentRunParts {
  readonly registry: AgentRegistry;
  readonly logger: Logger;
}

/** An agent, and the model as it sees it. */
interface Call {
  readonly agent: RepositoryAgent;
  readonly model: RepositoryAgentModel;
}

/** The calls that may fail without changing what becomes of the model. */
type Notice = 'loadComplete' | 'loadFail' | 'unload' | 'unloadComplete';

/** The agents of one load of a model, called in order, from the load until the model is freed (REPO-18). */
export class AgentRun {
  readonly #logger: Logger;
  readonly #calls: Call[] = [];
  readonly #folders: string[] = [];
  #directory: string;

  private constructor(directory: string, logger: Logger) {
    this.#directory = directory;
    this.#logger = logger;
  }

  /**
   * Lets the agents of a model act on its load.
   *
   * @throws InferenceServerError naming the agent and its reason; those that were called have heard of the failure.
   */
  static async load(
    { config, directory }: AgentSubject,
    { registry, logger }: AgentRunParts,
  ): Promise<AgentRun> {
    const run = new AgentRun(directory, logger);
    for (const { name, parameters } of config.model_repository_agents?.agents ?? []) {
      try {
        await run.#load(await registry.get(name), config, parameters);
      } catch (reason) {
        await run.loadFail();
        throw failureOf(name, reason);
      }
    }
    return run;
  }

  /** Where the model lies after what the agents did. */
  get directory(): string {
    return this.#directory;
  }

  loadComplete(): Promise<void> {
    return this.#tell('loadComplete');
  }

  /** Also deletes what the agents made. */
  async loadFail(): Promise<void> {
    await this.#tell('loadFail');
    await this.#clean();
  }

  unload(): Promise<void> {
    return this.#tell('unload');
  }

  /** Also deletes what the agents made. */
  async unloadComplete(): Promise<void> {
    await this.#tell('unloadComplete');
    await this.#clean();
  }

  async #load(
    agent: RepositoryAgent,
    config: ModelConfig,
    parameters: Readonly<Record<string, string>>,
  ): Promise<void> {
    const model: RepositoryAgentModel = {
      modelName: config.name,
      directory: this.#directory,
      config,
      parameters,
      logger: this.#logger,
      makeDirectory: () => this.#makeFolder(),
    };
    this.#calls.push({ agent, model });
    const answer = await agent.load(model);
    if (answer !== undefined) this.#directory = answer.directory;
  }

  async #makeFolder(): Promise<string> {
    // Made for this user alone: models may be secret.
    const folder = await mkdtemp(join(tmpdir(), 'nereid-agent-'));
    this.#folders.push(folder);
    return folder;
  }

  /** What has happened can't be undone by an agent that fails to hear of it: that goes to the log. */
  async #tell(notice: Notice): Promise<void> {
    for (const { agent, model } of this.#calls) {
      try {
        await agent[notice]?.(model);
      } catch (cause) {
        const { message } = InferenceServerError.from(cause);
        this.#logger.error(`repository agent '${agent.name}' failed in ${notice}: ${message}`, {
          model: model.modelName,
          cause,
        });
      }
    }
  }

  async #clean(): Promise<void> {
    await Promise.all(this.#folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
  }
}

function failureOf(name: string, reason: unknown): InferenceServerError {
  const { code, message } = InferenceServerError.from(reason);
  return new InferenceServerError(code, `repository agent '${name}' refused the model: ${message}`, {
    cause: reason,
  });
}
