import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceServerError } from '@nereid/backend-sdk';
import { pathExists } from './path-exists.ts';
import { pythonIn } from './python-in.ts';
import { runCommand } from './run-command.ts';

/** What tells archives apart. A hash of gigabytes would cost more than unpacking them. */
export async function identifyArchive(path: string): Promise<readonly (string | number)[]> {
  const { size, mtimeMs } = await stat(path);
  return [path, size, mtimeMs];
}

/**
 * Unpacks an environment and makes it at home in its new folder.
 *
 * @throws InferenceServerError INVALID_ARG naming the archive.
 */
export async function unpackArchive(path: string, directory: string, signal: AbortSignal): Promise<void> {
  const tar = await runCommand({ command: 'tar', args: ['-xf', path, '-C', directory], signal });
  if (tar.kind === 'missing') throw wrong(path, "the command 'tar' is not on the path: install it");
  if (tar.status !== 0) throw wrong(path, tar.lines.slice(0, 3).join(' '));
  const python = await pythonIn(directory).catch(() => {
    throw wrong(path, 'it has no bin/python at its top: pack the environment itself, as conda-pack does');
  });
  const conda = join(directory, 'bin/conda-unpack');
  if (!(await pathExists(conda))) return;
  // It is a Python script, whose first line names a Python that needs not be on the path.
  const fixed = await runCommand({ command: python, args: [conda], signal });
  if (fixed.kind === 'missing' || fixed.status !== 0) {
    const said = fixed.kind === 'missing' ? `${python} can't be run` : fixed.lines.slice(-3).join(' ');
    throw wrong(path, `conda-unpack failed: ${said}`);
  }
}

function wrong(path: string, why: string): Error {
  return new InferenceServerError('INVALID_ARG', `can't unpack the Python environment ${path}: ${why}`);
}
