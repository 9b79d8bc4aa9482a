import {
  LLAMACPP_STYLE,
  SGLANG_STYLE,
  TRTLLM_STYLE,
  VLLM_STYLE,
  type ArgumentStyle,
} from './argument-style.ts';

/** What a preset makes a command of. */
export interface EngineCommand {
  /** What is run: `engine_command`, or the preset's own program. */
  readonly program: readonly string[];
  /** Name or path of the model. */
  readonly model: string;
  readonly port: number;
  /** The name under which it is to be served. */
  readonly served: string;
}

/** A kind of engine: how it is started, asked and watched. */
export interface Preset {
  readonly name: 'vllm' | 'trtllm' | 'sglang' | 'llamacpp' | 'nim' | 'openai';
  /** The program, found on the path; undefined with `command`. */
  readonly program?: string;
  /** The command line before the model's own arguments; undefined: it is never started by us. */
  readonly command?: (engine: EngineCommand) => readonly string[];
  /** How `command`'s further arguments are written. */
  readonly style: ArgumentStyle;
  /** The argument that says how many requests it runs at once. */
  readonly places?: string;
  /** Whether it is told of LoRA adapters as vLLM is, and asked for them by name. */
  readonly hasAdapters?: true;
  /** Path that answers 200 when it can serve; undefined: it has none, and is judged by the requests it gets. */
  readonly health: string | undefined;
  /** Path of its metrics in Prometheus' text format. */
  readonly metrics: string | undefined;
  /** Where a raw prompt goes. */
  readonly textEndpoint: 'completions' | 'chat';
  /** Names of sampling parameters beyond OpenAI's. */
  readonly sampling: ReadonlySet<string>;
  /** Environment variable in which an engine of ours finds the key that it asks for. */
  readonly keyVariable: string | undefined;
}

/** What vLLM takes beside OpenAI's: of its `SamplingParams`, by the names that its HTTP endpoints have. */
const VLLM_SAMPLING = [
  'repetition_penalty',
  'top_k',
  'min_p',
  'stop_token_ids',
  'bad_words',
  'ignore_eos',
  'min_tokens',
  'prompt_logprobs',
  'skip_special_tokens',
  'spaces_between_special_tokens',
  'include_stop_str_in_output',
  'truncate_prompt_tokens',
  'allowed_token_ids',
  'structured_outputs',
  'vllm_xargs',
];

const HOST = '127.0.0.1';

const PRESETS: readonly Preset[] = [
  {
    name: 'vllm',
    program: 'vllm',
    command: ({ program, model, port, served }) => [
      ...program,
      'serve',
      model,
      `--served-model-name=${served}`,
      `--host=${HOST}`,
      `--port=${port}`,
    ],
    style: VLLM_STYLE,
    places: 'max_num_seqs',
    hasAdapters: true,
    health: '/health',
    metrics: '/metrics',
    textEndpoint: 'completions',
    sampling: new Set(VLLM_SAMPLING),
    keyVariable: 'VLLM_API_KEY',
  },
  {
    name: 'trtllm',
    program: 'trtllm-serve',
    command: ({ program, model, port }) => [...program, model, '--host', HOST, '--port', `${port}`],
    style: TRTLLM_STYLE,
    places: 'max_batch_size',
    health: '/health',
    // Its /metrics is JSON; this one is there with `return_perf_metrics`.
    metrics: '/prometheus/metrics',
    textEndpoint: 'completions',
    sampling: new Set(['top_k', 'min_p', 'repetition_penalty', 'ignore_eos', 'min_tokens', 'stop_token_ids']),
    keyVariable: undefined,
  },
  {
    name: 'sglang',
    program: 'python3',
    command: ({ program, model, port, served }) => [
      ...program,
      ...['-m', 'sglang.launch_server', '--model-path', model, '--served-model-name', served],
      ...['--host', HOST, '--port', `${port}`, '--enable-metrics'],
    ],
    style: SGLANG_STYLE,
    places: 'max_running_requests',
    health: '/health',
    metrics: '/metrics',
    textEndpoint: 'completions',
    sampling: new Set(['top_k', 'min_p', 'repetition_penalty', 'ignore_eos', 'regex', 'json_schema']),
    keyVariable: undefined,
  },
  {
    name: 'llamacpp',
    program: 'llama-server',
    command: ({ program, model, port, served }) => [
      ...program,
      ...['-m', model, '--alias', served, '--host', HOST, '--port', `${port}`, '--metrics'],
    ],
    style: LLAMACPP_STYLE,
    places: 'parallel',
    health: '/health',
    metrics: '/metrics',
    textEndpoint: 'completions',
    sampling: new Set([
      'top_k',
      'min_p',
      'repeat_penalty',
      'ignore_eos',
      'grammar',
      'json_schema',
      'cache_prompt',
    ]),
    keyVariable: 'LLAMA_API_KEY',
  },
  {
    // A container: it is run by whoever runs containers.
    name: 'nim',
    style: VLLM_STYLE,
    health: '/v1/health/ready',
    metrics: '/v1/metrics',
    textEndpoint: 'completions',
    sampling: new Set(VLLM_SAMPLING),
    keyVariable: undefined,
  },
  {
    name: 'openai',
    style: VLLM_STYLE,
    health: undefined,
    metrics: undefined,
    textEndpoint: 'chat',
    sampling: new Set(),
    keyVariable: undefined,
  },
];

/** Names that `parameters { key: "engine" … }` may have. */
export const PRESET_NAMES: readonly Preset['name'][] = PRESETS.map(({ name }) => name);

/** The preset of a name; undefined: there is none. */
export function findPreset(name: string): Preset | undefined {
  return PRESETS.find((preset) => preset.name === name);
}
