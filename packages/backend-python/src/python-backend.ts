/** Triton's Python backend: `model.py` with a class `TritonPythonModel`, one process for each instance. */
import { defineBackend } from '@nereid/backend-sdk';
import { findOwnCode } from './model-code.ts';
import { createPythonBasedBackend } from './python-based-backend.ts';
import { PythonModel } from './python-model.ts';
import { readPythonSettings } from './python-settings.ts';

export const pythonBackend = defineBackend({
  name: 'python',
  // The work is in processes of their own: here only frames are handed on.
  instanceHost: 'in-process',
  defaultModelFilename: 'model.py',
  createModel: (context) => new PythonModel(context, readPythonSettings(context), findOwnCode),
  createBackend: createPythonBasedBackend,
});
