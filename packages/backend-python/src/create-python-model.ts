import type { BackendModel, ModelContext } from '@nereid/backend-sdk';
import { findBackendCode, findOwnCode } from './model-code.ts';
import { PythonModel } from './python-model.ts';
import { readPythonSettings } from './python-settings.ts';

/**
 * A version of a Python model.
 *
 * @param backendFile - The `model.py` of the backend that it is for; left out for a model that brings its own.
 * @throws InferenceServerError INVALID_ARG naming the setting that is wrong.
 */
export function createPythonModel(context: ModelContext, backendFile?: string): BackendModel {
  const findCode = backendFile === undefined ? findOwnCode : findBackendCode(backendFile);
  return new PythonModel(context, readPythonSettings(context), findCode);
}
