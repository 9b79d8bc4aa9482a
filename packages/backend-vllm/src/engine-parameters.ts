import { readBackendSettings, type GivenSettings, type ParameterSpec } from '@nereid/backend-sdk';

/** `parameters` of config.pbtxt that speak of the engines. */
export const ENGINE_PARAMETERS = {
  engine: { type: 'string', default: 'vllm', description: 'kind of engine' },
  engine_url: { type: 'string', description: 'URLs of engines that run already, separated by commas' },
  engine_model: { type: 'string', description: 'the name by which those know the model' },
  engine_key_file: { type: 'string', description: 'file with the key that those ask for' },
  engine_key_env: { type: 'string', description: 'environment variable with the key that those ask for' },
  engine_ca_file: {
    type: 'string',
    description: 'certificates, PEM, of whoever may sign for those, with https',
  },
  engine_certificate_file: {
    type: 'string',
    description: 'certificate, PEM, by which those know the server',
  },
  engine_certificate_key_file: { type: 'string', description: 'its key, PEM' },
  engine_command: { type: 'string', description: "program to start in place of the engine's own" },
  max_concurrent_requests: { type: 'integer', minimum: 1, description: 'requests at once on an engine' },
  max_queue_requests: {
    type: 'integer',
    default: 1024,
    minimum: 0,
    description: 'requests that may wait for an engine',
  },
  max_queue_tokens: {
    type: 'integer',
    default: 0,
    minimum: 0,
    description: 'estimated tokens of those, 0: any number',
  },
  client_key_parameter: {
    type: 'string',
    description: 'request parameter that says whose share of the engines a V2 request has',
  },
  start_timeout_seconds: {
    type: 'number',
    default: 1800,
    minimum: 1,
    description: 'how long an engine may take to be ready',
  },
  health_interval_seconds: {
    type: 'number',
    default: 5,
    minimum: 0.1,
    description: 'how often an engine is asked for its health',
  },
  unhealthy_restart_seconds: {
    type: 'number',
    default: 60,
    minimum: 0.1,
    description: 'how long a started engine may be without health until it is killed and started again',
  },
  REPORT_CUSTOM_METRICS: {
    type: 'string',
    default: 'yes',
    oneOf: ['yes', 'no', 'true', 'false', '1', '0'],
    description: "whether the engine's own metrics are shown",
  },
  ENABLE_VLLM_HEALTH_CHECK: {
    type: 'boolean',
    description: 'accepted for Triton, engines are always watched',
  },
} as const satisfies Readonly<Record<string, ParameterSpec>>;

/** `--backend-config=vllm,<name>=<value>`. */
export const VLLM_SETTINGS = {
  python: {
    type: 'string',
    description: 'interpreter that has vLLM; otherwise the command vllm of the path',
  },
  'max-engine-restarts': {
    type: 'integer',
    default: 0,
    minimum: 0,
    description: 'times in a row that an engine is started again, 0: without end',
  },
} as const satisfies Readonly<Record<string, ParameterSpec>>;

/** @throws InferenceServerError INVALID_ARG for a value that can't be. */
export function readVllmSettings(context: GivenSettings): {
  readonly python: string | undefined;
  readonly maxRestarts: number;
} {
  const settings = readBackendSettings(context, VLLM_SETTINGS);
  return { python: settings.python, maxRestarts: settings['max-engine-restarts'] };
}
