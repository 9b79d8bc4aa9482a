/** Options of the server as a whole, of models, backends, caches and scheduling. */
import { LOG_FORMATS } from '../telemetry/log-settings.ts';
import {
  boolean,
  choice,
  decimal,
  integer,
  level,
  notYet,
  perDevice,
  resources,
  scopedSettings,
  text,
  texts,
} from './option-spec.ts';

export const SERVER_OPTIONS = {
  id: text('triton', 'Name of the server in its metadata.'),
  exitTimeoutSecs: integer(30, 'Seconds that running requests have to end when the server stops.'),
  streamTimeoutSecs: integer(
    60,
    'Seconds that a client may take nothing of a streamed answer while its model waits; 0: any time.',
    { most: 86_400 },
  ),
  frontThreads: integer(
    0,
    'Threads that speak HTTP and gRPC in front of the serving thread; 0: it does so itself.',
    { most: 64 },
  ),
};

export const LOGGING_OPTIONS = {
  logVerbose: level(0, 'Level of verbose log lines; 0 for none.'),
  logInfo: boolean(true, 'Whether information goes to the log.'),
  logWarning: boolean(true, 'Whether warnings go to the log.'),
  logError: boolean(true, 'Whether errors go to the log.'),
  logFormat: choice(
    LOG_FORMATS,
    'default',
    'How log lines look: as in Triton, with ISO 8601 times, or JSON objects.',
  ),
  logFile: text('', 'File that the log is added to, instead of stderr.'),
};

export const MODEL_OPTIONS = {
  modelRepository: texts(
    undefined,
    'Folder with models. May be repeated. A model name may be in one of them only, unless they are namespaces.',
  ),
  exitOnError: boolean(true, 'Whether the server ends when a model cannot be loaded at start.'),
  disableAutoCompleteConfig: boolean(
    false,
    'Whether configurations must say all: nothing is taken from model files.',
  ),
  strictReadiness: boolean(true, 'Whether the server is ready only while all models are.'),
  modelControlMode: choice(
    ['none', 'poll', 'explicit'],
    'none',
    'Who decides what is loaded: nobody after the start, the repository as it changes, or the API.',
  ),
  repositoryPollSecs: integer(15, 'Seconds between two looks at the repository in mode poll; 0: never.'),
  loadModel: texts([], 'Model to load at start in mode explicit; * for all. May be repeated.'),
  modelLoadThreadCount: integer(
    4,
    'How many models are loaded at a time. At a start small ones that share threads come on top, unless this is 1 or the mode explicit.',
    { least: 1 },
  ),
  modelLoadRetryCount: notYet(integer(0, 'How often loading a model is tried again.')),
  modelConfigName: text(
    '',
    'Name of the configuration to use from the folder configs of each model that has it.',
  ),
  modelNamespacing: boolean(
    false,
    'Whether each repository is a namespace, so that several may have models of one name.',
  ),
  modelLoadGpuLimit: notYet(perDevice('Share of the memory of a GPU beyond which no model is loaded.')),
};

export const BACKEND_OPTIONS = {
  backendDirectory: texts(
    [],
    'Folder to look for backends in, before the installed packages. May be repeated.',
  ),
  backendConfig: scopedSettings('Setting of one backend, or of all. May be repeated.', {
    scope: 'backend',
    forAll: true,
  }),
  requireBackends: boolean(
    false,
    'Whether a model whose backend is not installed counts as one that failed to load.',
  ),
  executorThreads: integer(0, 'Threads that run models; 0: as many as there are cores.'),
  repoagentDirectory: text(
    undefined,
    'Folder to look for repository agents in, before the installed packages.',
  ),
  hostPolicy: notYet(
    scopedSettings('Setting of a host policy. May be repeated.', { scope: 'policy', forAll: false }),
  ),
  bufferManagerThreadCount: notYet(integer(0, 'Threads that copy inputs and outputs.')),
  minSupportedComputeCapability: notYet(
    decimal(undefined, 'Least CUDA compute capability of a GPU to be used.'),
  ),
};

export const CACHE_OPTIONS = {
  cacheConfig: scopedSettings(
    'Setting of the response cache: local,size=<bytes>, or redis,host=<host> and redis,port=<port>. May be repeated.',
    { scope: 'cache', forAll: false },
  ),
  cacheDirectory: notYet(text(undefined, 'Folder with caches.')),
};

export const RATE_LIMITER_OPTIONS = {
  rateLimit: choice(['off', 'execution_count'], 'off', 'Whether executions are limited by resources.'),
  rateLimitResource: resources('How many units of a resource there are. May be repeated.'),
};

export const MEMORY_OPTIONS = {
  allowClientShm: boolean(false, 'Whether clients may register shared memory.'),
  pinnedMemoryPoolByteSize: notYet(
    integer(268435456, 'Bytes of pinned memory.', { most: Number.MAX_SAFE_INTEGER }),
  ),
  cudaMemoryPoolByteSize: notYet(perDevice('Bytes of CUDA memory of a device.')),
  cudaVirtualAddressSize: notYet(perDevice('Bytes of CUDA address space of a device.')),
  enablePeerAccess: notYet(boolean(true, 'Whether GPUs may reach the memory of each other.')),
};
