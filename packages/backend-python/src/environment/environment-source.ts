import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import {
  InferenceServerError,
  readModelParameters,
  type ModelConfig,
  type ModelContext,
} from '@nereid/backend-sdk';
import { pathExists } from './path-exists.ts';

/** Where the Python of a model comes from. */
export type EnvironmentSource =
  /** A Python as it is: a path or a command. */
  | { readonly kind: 'interpreter'; readonly interpreter: string }
  /** A virtual or a conda environment. */
  | { readonly kind: 'folder'; readonly path: string }
  /** Such an environment packed in a tar file, as conda-pack writes it. */
  | { readonly kind: 'archive'; readonly path: string }
  /** Packages to install for an interpreter; `files` are absolute paths of files that list them, at least one. */
  | { readonly kind: 'requirements'; readonly interpreter: string; readonly files: readonly string[] };

/** What decides about the environment of a model. */
export interface EnvironmentQuery {
  readonly context: Pick<ModelContext, 'modelDirectory' | 'versionDirectory'>;
  readonly config: Pick<ModelConfig, 'name' | 'parameters'>;
  /** Folder of the code, whose requirements a Python-based backend's models need beside their own. */
  readonly codeDirectory: string;
  /** The interpreter of models that name none. */
  readonly interpreter: string;
  /** Whether files with requirements count. */
  readonly readsRequirements: boolean;
}

/** In this order: one of them in a folder counts, the most exact one. */
const REQUIREMENT_FILES = ['pylock.toml', 'requirements.txt', 'pyproject.toml'];
const MODEL_DIRECTORY = '$$TRITON_MODEL_DIRECTORY';

/**
 * Finds the environment that a model asks for: its parameter `EXECUTION_ENV_PATH`; or else the requirements beside
 * it, for the interpreter that its parameter `PYTHON_INTERPRETER` or the setting names; or else that interpreter.
 *
 * The version folder's requirements go before the model folder's; a backend's are added to either.
 *
 * @throws InferenceServerError INVALID_ARG naming the parameter, what was expected and found.
 */
export async function findEnvironmentSource(query: EnvironmentQuery): Promise<EnvironmentSource> {
  const { context, config } = query;
  const given = readModelParameters(config, {
    EXECUTION_ENV_PATH: { type: 'string' },
    PYTHON_INTERPRETER: { type: 'string' },
  });
  const expand = (text: string): string => text.replaceAll(MODEL_DIRECTORY, () => context.modelDirectory);
  if (given.EXECUTION_ENV_PATH) {
    if (given.PYTHON_INTERPRETER) {
      const problem = 'EXECUTION_ENV_PATH brings a Python of its own: leave out PYTHON_INTERPRETER';
      throw new InferenceServerError('INVALID_ARG', `model '${config.name}': ${problem}`);
    }
    return findExecutionEnvironment(config.name, resolve(expand(given.EXECUTION_ENV_PATH)));
  }
  const interpreter = given.PYTHON_INTERPRETER ? expand(given.PYTHON_INTERPRETER) : query.interpreter;
  const files = query.readsRequirements ? await findRequirements(query) : [];
  return files.length === 0
    ? { kind: 'interpreter', interpreter }
    : { kind: 'requirements', interpreter, files };
}

/** The files with requirements that a model has, its own first. */
export async function findRequirements({
  context: { versionDirectory, modelDirectory },
  codeDirectory,
}: Pick<EnvironmentQuery, 'context' | 'codeDirectory'>): Promise<readonly string[]> {
  const own = (await requirementsIn(versionDirectory)) ?? (await requirementsIn(modelDirectory));
  const isBackend = codeDirectory !== versionDirectory;
  const shared = isBackend ? await requirementsIn(codeDirectory) : undefined;
  return [own, shared].filter((file) => file !== undefined);
}

async function requirementsIn(directory: string): Promise<string | undefined> {
  for (const name of REQUIREMENT_FILES) {
    const file = resolve(directory, name);
    if ((await pathExists(file)) && (await hasRequirements(file))) return file;
  }
  return undefined;
}

/** A `pyproject.toml` may be there for a formatter alone. */
async function hasRequirements(file: string): Promise<boolean> {
  if (basename(file) !== 'pyproject.toml') return true;
  return /^[ \t]*\[[ \t]*(?:project|build-system)[ \t]*\]/m.test(await readFile(file, 'utf8'));
}

async function findExecutionEnvironment(model: string, path: string): Promise<EnvironmentSource> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return { kind: 'folder', path };
  if (found?.isFile() === true) return { kind: 'archive', path };
  const where = (await pathExists(dirname(path)))
    ? `no '${basename(path)}' in ${dirname(path)}`
    : `no ${path}`;
  throw new InferenceServerError(
    'INVALID_ARG',
    `model '${model}', parameter 'EXECUTION_ENV_PATH': expected a tar archive or the folder of an environment, found ${where}`,
  );
}
