/** Triton's Python backend: `model.py` with a class `TritonPythonModel`, one process for each instance. */
import { defineBackend } from '@nereid/backend-sdk';
import { createPythonBasedBackend } from './python-based-backend.ts';
import { PYTHON_SETTINGS, warnOfUnusedSettings } from './python-settings.ts';

export const pythonBackend = defineBackend({
  name: 'python',
  // The work is in processes of their own: here only frames are handed on.
  instanceHost: 'in-process',
  defaultModelFilename: 'model.py',
  // As with Triton: a model is told which one, and uses it or not.
  automaticKind: 'KIND_GPU',
  settings: PYTHON_SETTINGS,
  start: warnOfUnusedSettings,
  // What starts processes and makes environments is loaded with the first model: all servers import this backend.
  createModel: async (context) => (await import('./create-python-model.ts')).createPythonModel(context),
  createBackend: createPythonBasedBackend,
});
