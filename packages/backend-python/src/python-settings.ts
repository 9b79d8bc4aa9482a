import { availableParallelism, homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { readBackendSettings, type BackendContext, type ParameterSpec } from '@nereid/backend-sdk';
import type { EnvironmentSettings } from './environment/prepare-python-environment.ts';

/** Settings of the backend, given as `--backend-config=python,<name>=<value>`. */
export interface PythonSettings {
  /** `interpreter`: the Python that runs models which bring no environment. Default: `python3`. */
  readonly interpreter: string;
  /** `stub-timeout-seconds`: how long a process may take to start, before it imports the model. Default: 30. */
  readonly stubTimeoutSeconds: number;
  /**
   * `heartbeat-timeout-seconds`: a process that shows no sign of life for this long is ended and started again;
   * 0: never. Default: 30, since native code that keeps Python's lock may silence a healthy process for a while.
   */
  readonly heartbeatTimeoutSeconds: number;
  /**
   * `execute-timeout-seconds`: a process whose `execute` takes longer is ended and started again; 0: no limit.
   * A model's parameter `EXECUTE_TIMEOUT_SECONDS` goes before it. Default: 0, as only the model's author knows.
   */
  readonly executeTimeoutSeconds: number;
  /**
   * `memory-limit-bytes`: data memory that a process may have. A model's parameter `MEMORY_LIMIT_BYTES` goes before it.
   * Default: no limit.
   */
  readonly memoryLimitBytes: number | undefined;
  /**
   * `spin-microseconds`: how long a process that has answered looks for the next request before it sleeps, and the server
   * for the answer to a single one, while they come as fast as that; 0: both sleep at once. Being woken takes some 100 us.
   * Default: 300, and 0 on a single core.
   */
  readonly spinMicroseconds: number;
  /**
   * `requirements`: whether `requirements.txt` and `pyproject.toml` beside a model are installed. Default: `install`;
   * `ignore` is for those whose interpreter has all of it.
   */
  readonly requirements: 'install' | 'ignore';
  /** `environment-*`: how environments are made. */
  readonly environment: EnvironmentSettings;
}

const EFFECTIVE = {
  interpreter: {
    type: 'string',
    default: 'python3',
    description: 'the Python of models that bring none: a path or a command',
  },
  'stub-timeout-seconds': {
    type: 'integer',
    default: 30,
    minimum: 1,
    description: 'how long a process may take to start, before it imports the model',
  },
  'heartbeat-timeout-seconds': {
    type: 'integer',
    default: 30,
    minimum: 0,
    description: 'a process without a sign of life for this long is started again; 0: never',
  },
  'execute-timeout-seconds': {
    type: 'number',
    default: 0,
    minimum: 0,
    description: 'a process whose execute takes longer is started again; 0: no limit',
  },
  'memory-limit-bytes': {
    type: 'integer',
    minimum: 1,
    description: 'data memory that a process may have, beyond which Python raises MemoryError',
  },
  'spin-microseconds': {
    type: 'integer',
    default: availableParallelism() > 1 ? 300 : 0,
    minimum: 0,
    description:
      'how long a busy process looks for the next request, and the server for its answer, before they sleep',
  },
  requirements: {
    type: 'string',
    oneOf: ['install', 'ignore'],
    default: 'install',
    description: 'whether files with requirements beside a model are installed',
  },
  'environment-cache': { type: 'string', description: 'folder that keeps environments' },
  'environment-installer': {
    type: 'string',
    oneOf: ['auto', 'uv', 'pip'],
    default: 'auto',
    description: 'what installs packages; auto: uv when it is on the path, or else pip',
  },
  'environment-offline': { type: 'boolean', default: false, description: 'whether nothing is downloaded' },
  'environment-locked': {
    type: 'boolean',
    default: false,
    description: 'whether every package must be named with its version and hash',
  },
} as const satisfies Readonly<Record<string, ParameterSpec>>;

const NO_REGION = 'no effect: tensors travel in files of memory, which grow as they must';
/** Triton's, for what is made otherwise here. Command lines that have them go on working. */
const WITHOUT_EFFECT = {
  'shm-default-byte-size': { type: 'integer', minimum: 0, description: NO_REGION },
  'shm-growth-byte-size': { type: 'integer', minimum: 0, description: NO_REGION },
  'shm-region-prefix-name': { type: 'string', description: NO_REGION },
  'thread-pool-size': {
    type: 'integer',
    minimum: 1,
    description: 'no effect: responses are sent without threads',
  },
} as const satisfies Readonly<Record<string, ParameterSpec>>;

/** What `--backend-config=python,…` takes, and that of each Python-based backend beside its own settings. */
export const PYTHON_SETTINGS = { ...EFFECTIVE, ...WITHOUT_EFFECT };

/** Says in the log which settings do nothing. */
export function warnOfUnusedSettings({ backendName, settings, logger }: BackendContext): void {
  for (const [name, { description }] of Object.entries(WITHOUT_EFFECT))
    if (settings[name] !== undefined)
      logger.warning(`backend '${backendName}', setting '${name}': ${description}`);
}

/** @throws InferenceServerError INVALID_ARG naming the setting. */
export function readPythonSettings(context: BackendContext): PythonSettings {
  const settings = readBackendSettings(context, EFFECTIVE);
  return {
    interpreter: settings.interpreter,
    stubTimeoutSeconds: settings['stub-timeout-seconds'],
    heartbeatTimeoutSeconds: settings['heartbeat-timeout-seconds'],
    executeTimeoutSeconds: settings['execute-timeout-seconds'],
    memoryLimitBytes: settings['memory-limit-bytes'],
    spinMicroseconds: settings['spin-microseconds'],
    requirements: settings.requirements,
    environment: {
      cache: resolve(settings['environment-cache'] ?? defaultCache(process.env)),
      installer: settings['environment-installer'],
      offline: settings['environment-offline'],
      locked: settings['environment-locked'],
    },
  };
}

/** Where programs keep what can be made again, by the XDG base directory specification. */
function defaultCache(environment: NodeJS.ProcessEnv): string {
  return join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'nereid', 'python-environments');
}
