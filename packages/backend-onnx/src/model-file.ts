/** Finds a version's files, without giving way: what runs on this thread has to wait for the session anyway. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InferenceServerError, type ModelConfig, type ModelContext } from '@nereid/backend-sdk';

const DEFAULT_FILENAME = 'model.onnx';

/**
 * Path of a version's model file: `model.onnx` or what `default_model_filename` says. When that is a folder, the
 * model is the `model.onnx` inside and its weights lie beside it.
 *
 * @throws InferenceServerError INTERNAL when there is no such file.
 */
export function findModelFile(context: Pick<ModelContext, 'versionDirectory'>, config: ModelConfig): string {
  const path = join(context.versionDirectory, config.default_model_filename || DEFAULT_FILENAME);
  if (!isFolder(path)) return path;
  const inside = join(path, DEFAULT_FILENAME);
  isFolder(inside);
  return inside;
}

/** Models of less than this many bytes have next to no weights. */
const TINY_BYTE_SIZE = 16_384;

/**
 * Whether a model does so little that a second thread costs more than it brings: its file is tiny and lies alone,
 * without external data.
 */
export function isTinyModel(path: string): boolean {
  if (statSync(path).size >= TINY_BYTE_SIZE) return false;
  return readdirSync(dirname(path)).length === 1;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    throw new InferenceServerError('INTERNAL', `failed to stat file ${path}`, { cause });
  }
}
