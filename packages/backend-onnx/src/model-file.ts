import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InferenceServerError, type ModelConfig, type ModelContext } from '@nereid/backend-sdk';

const DEFAULT_FILENAME = 'model.onnx';

/**
 * Path of a version's model file: `model.onnx` or what `default_model_filename` says. When that is a folder, the
 * model is the `model.onnx` inside and its weights lie beside it.
 *
 * @throws InferenceServerError INTERNAL when there is no such file.
 */
export async function findModelFile(
  context: Pick<ModelContext, 'versionDirectory'>,
  config: ModelConfig,
): Promise<string> {
  const path = join(context.versionDirectory, config.default_model_filename || DEFAULT_FILENAME);
  if (!(await isFolder(path))) return path;
  const inside = join(path, DEFAULT_FILENAME);
  await isFolder(inside);
  return inside;
}

/** Models of less than this many bytes have next to no weights. */
const TINY_BYTE_SIZE = 16_384;

/**
 * Whether a model does so little that a second thread costs more than it brings: its file is tiny and lies alone,
 * without external data.
 */
export async function isTinyModel(path: string): Promise<boolean> {
  if ((await stat(path)).size >= TINY_BYTE_SIZE) return false;
  return (await readdir(dirname(path))).length === 1;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw new InferenceServerError('INTERNAL', `failed to stat file ${path}`, { cause });
  }
}
