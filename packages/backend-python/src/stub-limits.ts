import { readModelParameters, type ModelConfig } from '@nereid/backend-sdk';
import type { PythonSettings } from './python-settings.ts';

/** What a model's process may take before the server ends it. */
export interface StubLimits {
  /** Until the process shows its first sign of life: before the model is imported. */
  readonly startSeconds: number;
  /** Without a sign of life; 0: no limit. */
  readonly heartbeatSeconds: number;
  /** Until `execute` of a batch returns; 0: no limit. */
  readonly executeSeconds: number;
  /** Data memory of the process; undefined: no limit. */
  readonly memoryBytes: number | undefined;
}

/**
 * The limits of a model: those of the backend, and what its parameters `EXECUTE_TIMEOUT_SECONDS` and
 * `MEMORY_LIMIT_BYTES` say.
 *
 * @throws InferenceServerError INVALID_ARG naming the model, the parameter, what was expected and found.
 */
export function readStubLimits(config: ModelConfig, settings: PythonSettings): StubLimits {
  const { EXECUTE_TIMEOUT_SECONDS, MEMORY_LIMIT_BYTES } = readModelParameters(config, {
    EXECUTE_TIMEOUT_SECONDS: { type: 'number', default: settings.executeTimeoutSeconds, minimum: 0 },
    MEMORY_LIMIT_BYTES: { type: 'integer', minimum: 1 },
  });
  return {
    startSeconds: settings.stubTimeoutSeconds,
    heartbeatSeconds: settings.heartbeatTimeoutSeconds,
    executeSeconds: EXECUTE_TIMEOUT_SECONDS,
    memoryBytes: MEMORY_LIMIT_BYTES ?? settings.memoryLimitBytes,
  };
}
