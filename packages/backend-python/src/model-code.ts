import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InferenceServerError, type ModelConfig, type ModelContext } from '@nereid/backend-sdk';

/** Where the class `TritonPythonModel` of a model stands. */
export interface ModelCode {
  /** Its file. */
  readonly file: string;
  /** Folders that come first on Python's module path. */
  readonly paths: readonly string[];
}

/** Finds the code of a model version, given its configuration. */
export type FindModelCode = (context: ModelContext, config: ModelConfig) => Promise<ModelCode>;

/**
 * A Python model brings its code in its version folder: `model.py`, or what `default_model_filename` says.
 *
 * @throws InferenceServerError INVALID_ARG naming the file that is missing.
 */
export async function findOwnCode(context: ModelContext, config: ModelConfig): Promise<ModelCode> {
  const { versionDirectory, modelDirectory } = context;
  const file = join(versionDirectory, config.default_model_filename || 'model.py');
  await assertFile(file, context);
  return { file, paths: [versionDirectory, modelDirectory] };
}

/**
 * A Python-based backend has one file for all its models. A model's `runtime` names another one beside it.
 *
 * @param file - The backend's `model.py`.
 */
export function findBackendCode(file: string): FindModelCode {
  return async (context, { runtime }) => {
    if (runtime !== '' && basename(runtime) !== runtime) {
      throw new InferenceServerError(
        'INVALID_ARG',
        `model '${context.modelName}': runtime must be the name of a file of backend '${context.backendName}', found '${runtime}'`,
      );
    }
    const chosen = runtime === '' ? file : join(dirname(file), runtime);
    await assertFile(chosen, context);
    return { file: chosen, paths: [dirname(file)] };
  };
}

async function assertFile(file: string, { modelName }: ModelContext): Promise<void> {
  if ((await stat(file).catch(() => undefined))?.isFile() === true) return;
  throw new InferenceServerError('INVALID_ARG', `model '${modelName}' has no file ${file}`);
}
