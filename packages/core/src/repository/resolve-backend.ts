/** Which backend executes a model: from what the configuration says, otherwise from the model's files. */
import type { ModelConfig } from '@nereid/protocol/model-config';
import { configError, type ConfigSource } from './config-source.ts';
import type { KnownBackend } from './known-backends.ts';

/** What a backend is resolved from. */
export interface ResolveBackendContext {
  readonly modelName: string;
  readonly source: ConfigSource;
  /** Names of what lies in the first version folder. */
  readonly versionFiles: readonly string[];
  readonly backends: readonly KnownBackend[];
}

/**
 * The backend of a model (CFG-03, CFG-37).
 *
 * @returns undefined for a backend, platform or file name that is not known, and for an ensemble without platform.
 * @throws InferenceServerError INVALID_ARG when the configuration is silent and no file tells.
 */
export function resolveBackend(
  config: ModelConfig,
  context: ResolveBackendContext,
): KnownBackend | undefined {
  const { backends } = context;
  if (config.backend !== '') return resolveNamed(config, context);
  if (config.platform !== '') return backends.find(({ platform }) => platform === config.platform);
  if (config.default_model_filename !== '') return backends.find((backend) => isOfFile(backend, config));
  if (config.ensemble_scheduling !== undefined) return undefined;
  const guessed = guessFromFiles(context);
  if (guessed !== undefined) return guessed;
  throw undetermined(context);
}

/** A backend may stand for several platforms. */
function resolveNamed(
  config: ModelConfig,
  { backends, versionFiles }: ResolveBackendContext,
): KnownBackend | undefined {
  const named = backends.filter(({ name }) => name === config.backend);
  if (config.platform !== '') return named.find(({ platform }) => platform === config.platform);
  const byFile = named.find((backend) => isOfFile(backend, config));
  return byFile ?? named.find((backend) => hasFile(backend, versionFiles)) ?? named[0];
}

function isOfFile({ defaultModelFilename }: KnownBackend, config: ModelConfig): boolean {
  return defaultModelFilename !== undefined && defaultModelFilename === config.default_model_filename;
}

function hasFile({ defaultModelFilename }: KnownBackend, files: readonly string[]): boolean {
  return defaultModelFilename !== undefined && files.includes(defaultModelFilename);
}

/** By a backend's own file, otherwise a file `model.<backend>`. */
function guessFromFiles({ backends, versionFiles }: ResolveBackendContext): KnownBackend | undefined {
  const known = backends.find((backend) => hasFile(backend, versionFiles));
  if (known !== undefined) return known;
  for (const file of versionFiles) {
    const name = /^model\.([\w-]+)$/.exec(file)?.[1];
    if (name !== undefined) return { name, defaultModelFilename: file };
  }
  return undefined;
}

function undetermined({ modelName, source, versionFiles, backends }: ResolveBackendContext): Error {
  const expected = [
    ...new Set(backends.flatMap(({ defaultModelFilename: file }) => (file === undefined ? [] : [file]))),
  ];
  return configError(
    source,
    '',
    `could not determine backend for model '${modelName}' with no backend in model configuration: expected 'backend', ` +
      `or one of ${expected.join(', ')} in the first version folder, found ${versionFiles.join(', ') || 'nothing'}`,
  );
}
