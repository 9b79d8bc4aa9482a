import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { InferenceServerError, type Logger } from '@nereid/backend-sdk';
import { activatedVariables } from './activate-environment.ts';
import { obtainEnvironment } from './environment-cache.ts';
import type { EnvironmentSource } from './environment-source.ts';
import { installRequirements } from './install-requirements.ts';
import type { InstallerChoice } from './installer.ts';
import { pathExists } from './path-exists.ts';
import { pythonIn } from './python-in.ts';
import { readPythonFacts } from './python-facts.ts';
import { readRequirements } from './requirements.ts';
import { identifyArchive, unpackArchive } from './unpack-archive.ts';

/** How environments are made: settings of the backend. */
export interface EnvironmentSettings {
  /** Folder that keeps them. */
  readonly cache: string;
  readonly installer: InstallerChoice;
  /** Nothing is downloaded. */
  readonly offline: boolean;
  /** Only files with known hashes are installed. */
  readonly locked: boolean;
}

/** What {@link preparePythonEnvironment} needs. */
export interface EnvironmentRequest {
  /** The model that wants it, for the log and the errors. */
  readonly modelName: string;
  readonly source: EnvironmentSource;
  readonly settings: EnvironmentSettings;
  readonly logger: Logger;
  /** Gives up: processes that build are killed, and what they have made is removed. */
  readonly signal: AbortSignal;
}

/** A Python that is there to be used. */
export interface PythonEnvironment {
  /** A path or a command. */
  readonly interpreter: string;
  /** Variables that its processes need beside the server's. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Changes when environments that were built before must not be used any more. */
const FORMAT = 1;

/**
 * Makes the Python of a model ready: at once when it is an interpreter, a folder, or in the cache; or else it is
 * unpacked or built first, which is logged.
 *
 * @throws InferenceServerError naming the model, the file and the requirement at fault, and what to do; the signal's
 * reason when that aborts.
 */
export async function preparePythonEnvironment(request: EnvironmentRequest): Promise<PythonEnvironment> {
  const { source, modelName } = request;
  if (source.kind === 'interpreter') return { interpreter: source.interpreter, variables: {} };
  try {
    return await environmentIn(await findDirectory(request, source), request);
  } catch (error) {
    request.signal.throwIfAborted();
    const { code, message } = InferenceServerError.from(error);
    throw new InferenceServerError(code, `model '${modelName}': ${message}`, { cause: error });
  }
}

function findDirectory(
  request: EnvironmentRequest,
  source: Exclude<EnvironmentSource, { kind: 'interpreter' }>,
): Promise<string> {
  switch (source.kind) {
    case 'folder':
      return Promise.resolve(source.path);
    case 'archive':
      return obtainUnpacked(request, source.path);
    case 'requirements':
      return obtainInstalled(request, source);
  }
}

async function obtainUnpacked(request: EnvironmentRequest, path: string): Promise<string> {
  const key = keyOf({ archive: await identifyArchive(path) });
  return obtain(request, { key, what: `unpacking ${path}` }, (directory) =>
    unpackArchive(path, directory, request.signal),
  );
}

async function obtainInstalled(
  request: EnvironmentRequest,
  { interpreter, files }: Extract<EnvironmentSource, { kind: 'requirements' }>,
): Promise<string> {
  const python = await readPythonFacts(interpreter, request.signal);
  const requirements = await readRequirements(files);
  const { locked } = request.settings;
  const key = keyOf({ python, content: requirements.content, locked });
  const what = `installing ${files.join(' and ')} for Python ${python.version}`;
  return obtain(request, { key, what }, (directory) =>
    installRequirements({ ...request, python, requirements, directory }),
  );
}

async function obtain(
  { modelName: model, settings, logger, signal }: EnvironmentRequest,
  { key, what }: { readonly key: string; readonly what: string },
  build: (directory: string) => Promise<void>,
): Promise<string> {
  return obtainEnvironment({
    cache: settings.cache,
    key,
    signal,
    onWait: () =>
      logger.info('waiting for the Python environment, which another load is building', { model }),
    build: async (directory) => {
      const start = performance.now();
      logger.info(`making the Python environment: ${what}`, { model });
      await build(directory);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      const count = await countPackages(directory);
      logger.info(`the Python environment is ready after ${seconds} s: ${count} packages in ${directory}`, {
        model,
      });
    },
  });
}

function keyOf(what: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, what]))
    .digest('hex')
    .slice(0, 32);
}

/** Its own variables go before those of `bin/activate`, in which a moved one has its old place; a conda environment has a folder `conda-meta`. */
async function environmentIn(
  directory: string,
  { source, signal }: EnvironmentRequest,
): Promise<PythonEnvironment> {
  const interpreter = await pythonIn(directory);
  const isConda = await pathExists(join(directory, 'conda-meta'));
  // What is built here has nothing that would be activated.
  const isBuilt = source.kind === 'requirements';
  const activated = isBuilt ? {} : await activatedVariables(directory, signal);
  const path = [dirname(interpreter), activated['PATH'] ?? process.env['PATH']]
    .filter(Boolean)
    .join(delimiter);
  const home = isConda ? 'CONDA_PREFIX' : 'VIRTUAL_ENV';
  return { interpreter, variables: { ...activated, PATH: path, [home]: directory } };
}

/** Every installed package has a folder `*.dist-info`. */
async function countPackages(directory: string): Promise<number> {
  const libraries = (await readdir(join(directory, 'lib')).catch(() => [])).filter((name) =>
    name.startsWith('python'),
  );
  const places = [...libraries.map((name) => join('lib', name, 'site-packages')), 'Lib/site-packages'];
  const found = new Set<string>();
  for (const place of places) {
    const names = await readdir(join(directory, place)).catch(() => []);
    for (const name of names) if (name.endsWith('.dist-info')) found.add(name);
  }
  return found.size;
}
