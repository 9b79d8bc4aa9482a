import { basename, dirname, join } from 'node:path';
import type { ConfigCompletion, Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { AgentRegistry } from '../agent/agent-registry.ts';
import { AgentRun, type AgentRunParts } from '../agent/agent-run.ts';
import type { BackendRegistry } from '../backend/backend-registry.ts';
import { nameOf, type ModelIdentifier } from '../model-identifier.ts';
import { completeModelConfig } from '../repository/complete-model-config.ts';
import {
  configError,
  NO_SOURCE,
  type ConfigSource,
  type SourcedModelConfig,
} from '../repository/config-source.ts';
import { createDirectReader, queuedReader, type FolderReader } from '../repository/folder-reader.ts';
import { knownBackends, onlyBackendOf, type KnownBackend } from '../repository/known-backends.ts';
import { readLabels } from '../repository/labels.ts';
import { LocalRepository } from '../repository/local-repository.ts';
import { ModelRepository, type IndexedModel } from '../repository/model-repository.ts';
import { normalizeModelConfig } from '../repository/normalize-model-config.ts';
import { configFromOverride, readModelConfig } from '../repository/read-model-config.ts';
import type { RepositoryEntry } from '../repository/repository-entry.ts';
import {
  validateCompleteModelConfig,
  validateModelConfig,
  type ValidateContext,
} from '../repository/validate-model-config.ts';
import { findUnusedFields } from '../repository/unused-fields.ts';
import { selectVersions } from '../repository/version-policy.ts';
import { fingerprintOf, writeOverride } from './model-override.ts';
import type { LoadWhat, ModelOverride, ModelSource, PreparedModel } from './model-source.ts';

/** Where models lie and how their configurations are read. */
export interface RepositoryModelSourceOptions {
  readonly repositoryPaths: readonly string[];
  /** `--model-namespacing`: the path of each repository is the namespace of its models. */
  readonly isNamespaced: boolean;
  /** `--model-config-name`; '' for none. */
  readonly configName: string;
  /** `--disable-auto-complete-config` */
  readonly isStrict: boolean;
  readonly agents: AgentRegistry;
  /** The GPUs that instances may have, by their numbers. */
  readonly gpus: readonly number[];
}

/** What a model is prepared with, beside its folder and configuration. */
interface Preparation {
  readonly override: ModelOverride | undefined;
  /** Agents that have acted on it. */
  readonly agents?: AgentRun;
  discard(): Promise<void>;
}

interface Origin extends Preparation {
  readonly entry: RepositoryEntry;
  readonly read: SourcedModelConfig;
}

/** Models from folders on disk. */
export class RepositoryModelSource implements ModelSource {
  readonly isStrict: boolean;
  readonly #repository: ModelRepository;
  readonly #configName: string;
  readonly #agents: AgentRunParts;
  readonly #registry: Pick<BackendRegistry, 'find' | 'loadAll'>;
  /** What is known where a configuration can be for one backend only, by its name; undefined: where it can be for any. */
  readonly #known = new Map<string | undefined, readonly KnownBackend[]>();
  readonly #gpus: readonly number[];
  readonly #directReader = createDirectReader();
  /** Where the configuration of a prepared model stands, and what it was read with. */
  readonly #contexts = new WeakMap<PreparedModel, ValidateContext>();
  /** What prepared models were made of. */
  readonly #origins = new WeakMap<PreparedModel, Origin>();
  /** Fields of configurations that options leave without effect. */
  readonly #switchedOff: ReadonlySet<string>;

  constructor(options: RepositoryModelSourceOptions, backends: BackendRegistry, logger: Logger) {
    this.isStrict = options.isStrict;
    this.#configName = options.configName;
    this.#gpus = options.gpus;
    this.#agents = { registry: options.agents, logger };
    this.#registry = backends;
    this.#repository = new ModelRepository(
      options.repositoryPaths.map(
        (path) => new LocalRepository(path, logger, options.isNamespaced ? path : ''),
      ),
    );
    this.#switchedOff = new Set(options.isNamespaced ? [] : ['ensemble_scheduling.step.model_namespace']);
  }

  list({ atStart } = { atStart: false }): Promise<ReadonlyMap<ModelIdentifier, IndexedModel>> {
    return this.#repository.index(this.#reader(atStart));
  }

  names(): Promise<ReadonlyMap<ModelIdentifier, string | undefined>> {
    return this.#repository.names();
  }

  identifiersOf(name: string): Promise<readonly ModelIdentifier[]> {
    return this.#repository.identifiersOf(name);
  }

  async isUnconfigured(id: ModelIdentifier): Promise<boolean> {
    if (!this.isStrict) return false;
    const entry = (await this.#repository.find(id))?.entry;
    if (entry === undefined) return false;
    const read = await readModelConfig(entry, { configName: this.#configName, strict: false }).catch(
      () => undefined,
    );
    return read !== undefined && read.config === undefined;
  }

  async prepare(id: ModelIdentifier, { override, found, atStart = false }: LoadWhat): Promise<PreparedModel> {
    if (override?.files !== undefined) return this.#prepareFiles(id, override);
    const entry = requireEntry(id, found ?? (await this.#repository.find(id)));
    const read =
      override?.config === undefined
        ? await this.#readConfig(entry, this.#reader(atStart))
        : configFromOverride(override.config, entry.name);
    return this.#prepare(entry, read, { override, discard: () => Promise.resolve() });
  }

  async runAgents(prepared: PreparedModel): Promise<PreparedModel> {
    const origin = this.#origins.get(prepared);
    const { config, modelDirectory: directory } = prepared;
    if (origin === undefined || !hasAgents(config)) return prepared;
    const agents = await AgentRun.load({ config, directory }, this.#agents);
    try {
      const moved = agents.directory === directory ? origin.entry : await this.#entryAt(origin.entry, agents);
      const read = origin.override?.config === undefined ? await this.#readConfig(moved) : origin.read;
      const { fingerprint } = prepared;
      return await this.#prepare({ ...moved, fingerprint }, read, { ...origin, agents });
    } catch (error) {
      await agents.loadFail();
      throw error;
    }
  }

  complete(prepared: PreparedModel, completion: ConfigCompletion | undefined): ModelConfig {
    const config = completeModelConfig(prepared.config, completion);
    validateCompleteModelConfig(config, this.#contextOf(prepared));
    return config;
  }

  errorAt(prepared: PreparedModel, path: string, message: string): InferenceServerError {
    return configError(this.#contextOf(prepared).source, path, message);
  }

  unusedFields(prepared: PreparedModel): readonly string[] {
    return findUnusedFields(this.#contextOf(prepared).source, this.#switchedOff);
  }

  labels(prepared: PreparedModel, config: ModelConfig): Promise<ReadonlyMap<string, readonly string[]>> {
    return readLabels(config, prepared.modelDirectory);
  }

  /** The backends that a configuration is read with. Imports those that it may be for. */
  async #backendsFor(config: ModelConfig | undefined): Promise<readonly KnownBackend[]> {
    const only = config && onlyBackendOf(config);
    const known = this.#known.get(only);
    if (known !== undefined) return known;
    const asked = only === undefined ? await this.#registry.loadAll() : [await this.#registry.find(only)];
    const usable = asked.flatMap((found) => found?.backend ?? []);
    // Names that nobody has are not kept: clients may send any.
    if (usable.length === 0) return NO_BACKENDS;
    const rows = knownBackends(usable);
    this.#known.set(only, rows);
    return rows;
  }

  #reader(atStart: boolean): FolderReader {
    return atStart ? this.#directReader : queuedReader;
  }

  #readConfig(entry: RepositoryEntry, reader = queuedReader): Promise<SourcedModelConfig> {
    return readModelConfig(entry, { configName: this.#configName, strict: this.isStrict, reader });
  }

  /** A model as it lies where agents have put it. */
  async #entryAt(
    { id, name, repositoryPath }: RepositoryEntry,
    { directory }: AgentRun,
  ): Promise<RepositoryEntry> {
    const repository = new LocalRepository(dirname(directory), SILENT);
    const moved = await repository.find(basename(directory));
    if (moved !== undefined) return { ...moved, id, name, repositoryPath };
    throw new InferenceServerError(
      'INVALID_ARG',
      `the repository agents of model '${name}' name a folder for it that is not there`,
    );
  }

  /** A model that is made of the files of a load call alone. */
  async #prepareFiles(id: ModelIdentifier, override: ModelOverride): Promise<PreparedModel> {
    const name = nameOf(id);
    if (override.config === undefined) {
      throw new InferenceServerError(
        'INVALID_ARG',
        `a load request for model '${name}' with files must have a 'config', too`,
      );
    }
    const folder = await writeOverride(name, override.files ?? new Map());
    try {
      const found = await new LocalRepository(join(folder.directory, '..'), SILENT).find(name);
      const entry = requireEntry(id, found && { entry: found, conflict: undefined });
      return await this.#prepare({ ...entry, id }, configFromOverride(override.config, name), {
        override,
        discard: folder.discard,
      });
    } catch (error) {
      await folder.discard();
      throw error;
    }
  }

  async #prepare(
    entry: RepositoryEntry,
    read: SourcedModelConfig,
    { override, agents, discard }: Preparation,
  ): Promise<PreparedModel> {
    const { config: given, source } = read;
    const { id, name, directory } = entry;
    const backends = await this.#backendsFor(given);
    const context = { source, modelDirectory: directory, gpus: this.#gpus, backends };
    const config = normalizeModelConfig(given, {
      modelName: name,
      source,
      versionFiles: firstVersionFiles(entry),
      backends,
      gpus: this.#gpus,
    });
    // Until they have run, agents may still put something else in its place.
    if (agents !== undefined || !hasAgents(config)) validateModelConfig(config, context);
    const prepared: PreparedModel = {
      id,
      config,
      ...chooseVersions(config, entry, source),
      modelDirectory: directory,
      fingerprint: fingerprintOf(override, entry.fingerprint),
      stamps: entry.stamps,
      byteSize: entry.byteSize,
      versionDirectory: (version) => join(directory, String(version)),
      agents,
      discard,
    };
    this.#contexts.set(prepared, context);
    this.#origins.set(prepared, { entry, read, override, discard });
    return prepared;
  }

  #contextOf(prepared: PreparedModel): ValidateContext {
    const { modelDirectory } = prepared;
    const unread = { source: NO_SOURCE, modelDirectory, gpus: this.#gpus, backends: NO_BACKENDS };
    return this.#contexts.get(prepared) ?? unread;
  }
}

function hasAgents({ model_repository_agents }: ModelConfig): boolean {
  return (model_repository_agents?.agents.length ?? 0) > 0;
}

/** @throws InferenceServerError INTERNAL when no repository has the model, or two have it. */
function requireEntry(id: ModelIdentifier, found: IndexedModel | undefined): RepositoryEntry {
  if (found?.entry !== undefined) return found.entry;
  const reason = found?.conflict === undefined ? '' : `: ${found.conflict}`;
  throw new InferenceServerError(
    'INTERNAL',
    `failed to load '${id}', failed to poll from model repository${reason}`,
  );
}

function chooseVersions(
  config: ModelConfig,
  { name: modelName, versions }: RepositoryEntry,
  source: ConfigSource,
): Pick<PreparedModel, 'versions' | 'problem'> {
  try {
    return {
      versions: selectVersions(config.version_policy, versions, { modelName, source }),
      problem: undefined,
    };
  } catch (error) {
    return { versions: [], problem: InferenceServerError.from(error) };
  }
}

/** Names of what lies in the folder of the lowest version. */
function firstVersionFiles({ paths, versions: [first] }: RepositoryEntry): readonly string[] {
  const prefix = `${first ?? ''}/`;
  return paths
    .filter((path) => path.length > prefix.length && path.startsWith(prefix))
    .map((path) => path.slice(prefix.length).replace(/\/$/, ''))
    .filter((name) => !name.includes('/'));
}

const NO_BACKENDS = knownBackends([]);

const SILENT: Logger = { verbose: () => {}, info: () => {}, warning: () => {}, error: () => {} };
