import { join } from 'node:path';
import { InferenceServerError } from '@nereid/protocol';
import { parseModelConfigJson, parsePbtxtWithPositions } from '@nereid/protocol/model-config';
import { NO_SOURCE, type SourcedModelConfig } from './config-source.ts';
import { isMissing, reasonOf } from './file-errors.ts';
import { queuedReader, type FolderReader } from './folder-reader.ts';
import type { RepositoryEntry } from './repository-entry.ts';

/** Which configuration is read. */
export interface ReadModelConfigOptions {
  /** `configs/<configName>.pbtxt` comes before `config.pbtxt` (CFG-39); '' for none. */
  readonly configName: string;
  /** Whether a model must have a configuration. */
  readonly strict: boolean;
  /** Default: in Node's threads for files. */
  readonly reader?: FolderReader;
}

/**
 * Reads the configuration in a model's folder.
 *
 * @returns Without `config` when the model has none.
 * @throws InferenceServerError INVALID_ARG with `file:line:column: ` for text that is wrong, with the reason for a
 * file that can't be read, and in strict mode when there is none.
 */
export async function readModelConfig(
  { name, directory, paths }: Pick<RepositoryEntry, 'name' | 'directory' | 'paths'>,
  { configName, strict, reader = queuedReader }: ReadModelConfigOptions,
): Promise<SourcedModelConfig> {
  for (const path of candidates(configName)) {
    if (!paths.includes(path) && !paths.includes(`${path}/`)) continue;
    const file = `${name}/${path}`;
    const text = await readIfThere(join(directory, path), file, reader);
    if (text === undefined) continue;
    const { config, positions } = parsePbtxtWithPositions(text, { file });
    return { config, source: { file, positions } };
  }
  if (!strict) return { config: undefined, source: NO_SOURCE };
  throw new InferenceServerError(
    'INVALID_ARG',
    `model '${name}' has no ${candidates(configName).join(' or ')}, which it must have without auto-completion`,
  );
}

/**
 * Reads the configuration that a load call brought as JSON.
 *
 * @throws InferenceServerError INVALID_ARG naming the field.
 */
export function configFromOverride(json: string, modelName: string): SourcedModelConfig {
  const file = `${modelName}: config of the load request`;
  return {
    config: parseModelConfigJson(json, { source: file }),
    source: { file, positions: new Map() },
  };
}

function candidates(configName: string): readonly string[] {
  return configName === '' ? ['config.pbtxt'] : [`configs/${configName}.pbtxt`, 'config.pbtxt'];
}

async function readIfThere(path: string, file: string, reader: FolderReader): Promise<string | undefined> {
  try {
    return await reader.readText(path);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new InferenceServerError('INVALID_ARG', `${file} can't be read: ${reasonOf(cause)}`, { cause });
  }
}
