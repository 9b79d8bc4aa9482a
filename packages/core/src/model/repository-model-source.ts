import { join } from 'node:path';
import type { ConfigCompletion, Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { BackendRegistry } from '../backend/backend-registry.ts';
import { completeModelConfig } from '../repository/complete-model-config.ts';
import {
  configError,
  NO_SOURCE,
  type ConfigSource,
  type SourcedModelConfig,
} from '../repository/config-source.ts';
import { knownBackends, type KnownBackend } from '../repository/known-backends.ts';
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
import type { ModelOverride, ModelSource, PreparedModel } from './model-source.ts';

/** Where models lie and how their configurations are read. */
export interface RepositoryModelSourceOptions {
  readonly repositoryPaths: readonly string[];
  /** `--model-config-name`; '' for none. */
  readonly configName: string;
  /** `--disable-auto-complete-config` */
  readonly isStrict: boolean;
}

/** Models from folders on disk. */
export class RepositoryModelSource implements ModelSource {
  readonly isStrict: boolean;
  readonly #repository: ModelRepository;
  readonly #configName: string;
  readonly #backends: readonly KnownBackend[];
  /** Where the configuration of a prepared model stands. */
  readonly #sources = new WeakMap<PreparedModel, ConfigSource>();
  #conflicts: ReadonlyMap<string, string> = new Map();

  constructor(options: RepositoryModelSourceOptions, backends: BackendRegistry, logger: Logger) {
    this.isStrict = options.isStrict;
    this.#configName = options.configName;
    this.#backends = knownBackends(backends.backends.map(({ backend }) => backend));
    this.#repository = new ModelRepository(
      options.repositoryPaths.map((path) => new LocalRepository(path, logger)),
    );
  }

  async list(): Promise<ReadonlyMap<string, string>> {
    const index = await this.#repository.index();
    const conflicts = [...index].flatMap(([name, { conflict }]) =>
      conflict === undefined ? [] : [[name, conflict] as const],
    );
    this.#conflicts = new Map(conflicts);
    return new Map([...index].map(([name, { entry }]) => [name, entry?.fingerprint ?? '']));
  }

  async has(name: string): Promise<boolean> {
    return (await this.#repository.find(name))?.entry !== undefined;
  }

  conflictOf(name: string): string | undefined {
    return this.#conflicts.get(name);
  }

  async isUnconfigured(name: string): Promise<boolean> {
    if (!this.isStrict) return false;
    const entry = (await this.#repository.find(name))?.entry;
    if (entry === undefined) return false;
    const read = await readModelConfig(entry, { configName: this.#configName, strict: false }).catch(
      () => undefined,
    );
    return read !== undefined && read.config === undefined;
  }

  async prepare(name: string, override: ModelOverride | undefined): Promise<PreparedModel> {
    if (override?.files !== undefined) return this.#prepareFiles(name, override);
    const found = await this.#repository.find(name);
    const entry = requireEntry(name, found);
    const read =
      override?.config === undefined
        ? await readModelConfig(entry, { configName: this.#configName, strict: this.isStrict })
        : configFromOverride(override.config, name);
    return this.#prepare(entry, read, { override, discard: () => Promise.resolve() });
  }

  complete(prepared: PreparedModel, completion: ConfigCompletion | undefined): ModelConfig {
    const config = completeModelConfig(prepared.config, completion);
    validateCompleteModelConfig(
      config,
      this.#contextOf(prepared.modelDirectory, this.#sources.get(prepared) ?? NO_SOURCE),
    );
    return config;
  }

  errorAt(prepared: PreparedModel, path: string, message: string): InferenceServerError {
    return configError(this.#sources.get(prepared) ?? NO_SOURCE, path, message);
  }

  unusedFields(prepared: PreparedModel): readonly string[] {
    return findUnusedFields(this.#sources.get(prepared) ?? NO_SOURCE);
  }

  labels(prepared: PreparedModel, config: ModelConfig): Promise<ReadonlyMap<string, readonly string[]>> {
    return readLabels(config, prepared.modelDirectory);
  }

  /** A model that is made of the files of a load call alone. */
  async #prepareFiles(name: string, override: ModelOverride): Promise<PreparedModel> {
    if (override.config === undefined) {
      throw new InferenceServerError(
        'INVALID_ARG',
        `a load request for model '${name}' with files must have a 'config', too`,
      );
    }
    const folder = await writeOverride(name, override.files ?? new Map());
    try {
      const entry = requireEntry(
        name,
        await new ModelRepository([new LocalRepository(join(folder.directory, '..'), SILENT)]).find(name),
      );
      return this.#prepare(entry, configFromOverride(override.config, name), {
        override,
        discard: folder.discard,
      });
    } catch (error) {
      await folder.discard();
      throw error;
    }
  }

  #prepare(
    entry: RepositoryEntry,
    { config: given, source }: SourcedModelConfig,
    { override, discard }: { readonly override: ModelOverride | undefined; discard(): Promise<void> },
  ): PreparedModel {
    const { name, directory } = entry;
    const config = normalizeModelConfig(given, {
      modelName: name,
      source,
      versionFiles: firstVersionFiles(entry),
      backends: this.#backends,
      gpus: NO_GPUS,
    });
    validateModelConfig(config, this.#contextOf(directory, source));
    const prepared: PreparedModel = {
      name,
      config,
      ...chooseVersions(config, entry),
      modelDirectory: directory,
      fingerprint: fingerprintOf(override, entry.fingerprint),
      stamps: entry.stamps,
      versionDirectory: (version) => join(directory, String(version)),
      discard,
    };
    this.#sources.set(prepared, source);
    return prepared;
  }

  #contextOf(modelDirectory: string, source: ConfigSource): ValidateContext {
    return { source, modelDirectory, gpus: NO_GPUS, backends: this.#backends };
  }
}

/** @throws InferenceServerError INTERNAL when no repository has the model, or two have it. */
function requireEntry(name: string, found: IndexedModel | undefined): RepositoryEntry {
  if (found?.entry !== undefined) return found.entry;
  const reason = found?.conflict === undefined ? '' : `: ${found.conflict}`;
  throw new InferenceServerError(
    'INTERNAL',
    `failed to load '${name}', failed to poll from model repository${reason}`,
  );
}

function chooseVersions(
  config: ModelConfig,
  { name, versions }: RepositoryEntry,
): Pick<PreparedModel, 'versions' | 'problem'> {
  try {
    return { versions: selectVersions(config.version_policy, versions, name), problem: undefined };
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

/** GPUs that models may be placed on: none yet. */
const NO_GPUS: readonly number[] = [];

const SILENT: Logger = { verbose: () => {}, info: () => {}, warning: () => {}, error: () => {} };
