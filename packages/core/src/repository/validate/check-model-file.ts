import { statSync } from 'node:fs';
import { join, relative, isAbsolute } from 'node:path';
import { reasonOf } from '../file-errors.ts';
import { refuse, type ConfigCheck } from './check.ts';

/** A file that a configuration names. */
export interface NamedFile {
  /** The field that names it. */
  readonly path: string;
  /** Folder within the model's folder, '' for that folder itself. */
  readonly folder: string;
  readonly file: string;
}

/**
 * A file that a configuration names must lie in the model's folder and be there.
 *
 * @throws InferenceServerError UNSUPPORTED for a path that leaves the folder (CFG-42), INTERNAL as Triton for a
 * file that is not there.
 */
export function checkModelFile(check: ConfigCheck, { path, folder, file }: NamedFile): void {
  const { config, modelDirectory } = check;
  const base = join(modelDirectory, folder);
  const target = join(base, file);
  const inside = relative(base, target);
  if (isAbsolute(file) || inside === '' || inside.split(/[\\/]/)[0] === '..') {
    const rule = `'${file}' must be a path within the folder '${join(config.name, folder)}' of model '${config.name}'`;
    refuse(check, path, rule, 'UNSUPPORTED');
  }
  const problem = whyUnreadable(target);
  if (problem === undefined) return;
  refuse(
    check,
    path,
    `failed to open text file for read ${join(config.name, folder, file)}: ${problem}`,
    'INTERNAL',
  );
}

function whyUnreadable(target: string): string | undefined {
  try {
    return statSync(target).isFile() ? undefined : 'Is not a file';
  } catch (error) {
    return reasonOf(error);
  }
}
