import { readBackendSettings, type BackendContext } from '@nereid/backend-sdk';

/** Settings of the backend, given as `--backend-config=python,<name>=<value>`. */
export interface PythonSettings {
  /** `interpreter`: the Python that runs models which bring no environment. Default: `python3`. */
  readonly interpreter: string;
}

/** @throws InferenceServerError INVALID_ARG naming the setting. */
export function readPythonSettings(context: BackendContext): PythonSettings {
  return readBackendSettings(context, { interpreter: { type: 'string', default: 'python3' } });
}
