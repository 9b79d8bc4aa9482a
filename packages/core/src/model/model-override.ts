import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { InferenceServerError } from '@nereid/protocol';
import { reasonOf } from '../repository/file-errors.ts';
import type { ModelOverride } from './model-source.ts';

/** The files of a load call, laid out on disk as a model's folder. */
export interface OverrideFolder {
  readonly directory: string;
  discard(): Promise<void>;
}

/**
 * Writes the files that a load call brought into a folder of their own.
 *
 * @throws InferenceServerError INVALID_ARG for a path that leaves the folder, or a file that can't be written.
 */
export async function writeOverride(
  modelName: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<OverrideFolder> {
  const paths = [...files].map(([path, data]) => ({ path: relativePath(path, modelName), data }));
  const root = await mkdtemp(join(tmpdir(), 'nereid-model-'));
  const directory = join(root, modelName);
  const discard = (): Promise<void> => rm(root, { recursive: true, force: true });
  for (const { path, data } of paths) {
    const full = join(directory, path);
    try {
      await mkdir(dirname(full), { recursive: true });
      await writeFile(full, data);
    } catch (cause) {
      await discard();
      const what = `file '${path}' of the load request for model '${modelName}' can't be written`;
      throw new InferenceServerError('INVALID_ARG', `${what}: ${reasonOf(cause)}`, { cause });
    }
  }
  return { directory, discard };
}

/** `file:1/model.onnx` may only name places inside the model's folder. */
function relativePath(path: string, modelName: string): string {
  const clean = normalize(path);
  const isName = clean !== '' && clean !== '.' && !clean.includes('\0');
  if (isName && !isAbsolute(clean) && clean !== '..' && !clean.startsWith(`..${sep}`)) return clean;
  throw new InferenceServerError(
    'INVALID_ARG',
    `file '${path}' of the load request for model '${modelName}' names no file inside the model's folder`,
  );
}

/**
 * Changes when anything in the override does, or in the folder that it leaves as it is.
 *
 * @param folder - Fingerprint of the model's folder.
 */
export function fingerprintOf(override: ModelOverride | undefined, folder: string): string {
  if (override === undefined) return folder;
  // Files of an override are written anew for each load: their times say nothing.
  const hash = createHash('sha256').update(override.files === undefined ? folder : '');
  hash.update(override.config ?? '');
  for (const [path, data] of override.files ?? []) hash.update(`\0${path}\0`).update(data);
  return hash.digest('hex');
}
