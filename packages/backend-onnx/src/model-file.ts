/** Finds a version's files, without giving way: what runs on this thread has to wait for the session anyway. */
import { readdirSync, statSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { InferenceServerError, type ModelConfig, type ModelContext } from '@nereid/backend-sdk';

const DEFAULT_FILENAME = 'model.onnx';

/** A version's model file. */
export interface ModelFile {
  readonly path: string;
  /**
   * The model does so little that a second thread costs more than it brings: the file is tiny and lies alone, without
   * external data.
   */
  readonly isTiny: boolean;
}

/** Models of less than this many bytes have next to no weights. */
const TINY_BYTE_SIZE = 16_384;

/**
 * A version's model file: `model.onnx` or what `default_model_filename` says. When that is a folder, the model is the
 * `model.onnx` inside and its weights lie beside it.
 *
 * @throws InferenceServerError INTERNAL when there is no such file.
 */
export function findModelFile(
  context: Pick<ModelContext, 'versionDirectory'>,
  config: ModelConfig,
): ModelFile {
  let path = join(context.versionDirectory, config.default_model_filename || DEFAULT_FILENAME);
  let stats = statsOf(path);
  if (stats.isDirectory()) {
    path = join(path, DEFAULT_FILENAME);
    stats = statsOf(path);
  }
  const isTiny = stats.size < TINY_BYTE_SIZE && readdirSync(dirname(path)).length === 1;
  return { path, isTiny };
}

function statsOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw new InferenceServerError('INTERNAL', `failed to stat file ${path}`, { cause });
  }
}
