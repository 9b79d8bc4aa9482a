import type { BackendModel, ModelContext, ParameterSpec } from '@nereid/backend-sdk';
import { readOwnSettings } from './manifest-settings.ts';
import { findBackendCode, findOwnCode } from './model-code.ts';
import { PythonModel } from './python-model.ts';
import { readPythonSettings } from './python-settings.ts';

/** The backend of a model that does not bring its own code. */
export interface ModelBackend {
  /** Its `model.py`. */
  readonly file: string;
  /** The settings that its manifest declares. */
  readonly settings: Readonly<Record<string, ParameterSpec>>;
}

/**
 * A version of a Python model.
 *
 * @param backend - Left out for a model that brings its own `model.py`.
 * @throws InferenceServerError INVALID_ARG naming the setting that is wrong.
 */
export function createPythonModel(context: ModelContext, backend?: ModelBackend): BackendModel {
  return new PythonModel(context, {
    settings: readPythonSettings(context),
    ownSettings: backend === undefined ? {} : readOwnSettings(context, backend.settings),
    findCode: backend === undefined ? findOwnCode : findBackendCode(backend.file),
  });
}
