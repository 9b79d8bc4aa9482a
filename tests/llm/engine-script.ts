/** What a scripted engine does: a table of wishes, all of them optional. */

/** What goes wrong on purpose. */
export type EngineFault =
  /** The head of an answer comes a second late, or after `firstTokenMs`. */
  | 'slow-headers'
  /** The connection ends amid the text of a token. */
  | 'cut-mid-token'
  /** The connection ends between the data of an event and the empty line after it. */
  | 'cut-mid-event'
  | 'status-500'
  /** With `Retry-After: 1`. */
  | 'status-429'
  /** An event, or the body, is no JSON. */
  | 'bad-json'
  /** A stream ends without `[DONE]`. */
  | 'no-done'
  /** Nothing more comes, and the connection stays open. */
  | 'silent'
  /** Nobody listens at the port. */
  | 'refuse-connections'
  /** `/health` answers 503; all else works. */
  | 'unhealthy';

/** How a scripted engine behaves. Plain data: it travels to another process as JSON. */
export interface EngineScript {
  /** Of each stream. Default 0: as fast as it can. */
  readonly tokensPerSecond?: number;
  /** Milliseconds until the first token. Default: 0. */
  readonly firstTokenMs?: number;
  /** How many tokens. Default: what the request says (`max_tokens`, `max_completion_tokens`), else 16. */
  readonly tokens?: number;
  /** Requests at a time; more of them wait. Default: any number. */
  readonly slots?: number;
  /** What it says, a word a token. Default: `word_0 word_1 …`, as many as there are tokens. */
  readonly text?: string;
  /** The text of a token is the time it was sent at, in nanoseconds of the machine's monotonic clock. Default: `word_<i> `. */
  readonly stampsTokens?: boolean;
  /** The text of token i is `<process id>.<first word of the prompt>.<i> `: who said what to whom. Default: `word_<i> `. */
  readonly signsTokens?: boolean;
  /** Each event of a stream leaves in two halves, the second when the next token is due: whoever ends the engine does so amid tokens. */
  readonly halves?: boolean;
  /** Does nothing else for so long when a body of more than a megabyte has come, as one that reads a picture. Default: 0. */
  readonly readsLargeMs?: number;
  /** Tokens of `reasoning_content` before the content of a chat. Default: 0. */
  readonly reasoningTokens?: number;
  /** Names that requests may give as `model`. Default: any; `/v1/models` then lists `scripted`. */
  readonly models?: readonly string[];
  /** What `Authorization: Bearer` must hold. Default: nothing is asked for. */
  readonly key?: string;
  readonly fault?: EngineFault;
  /** Tokens of each answer before the fault of a stream. Default: 2; 0 is before the head for `silent`. */
  readonly faultAfter?: number;
  /** Only as a process: how long it loads, with the log of an engine, before it listens. Default: 0. */
  readonly startSeconds?: number;
  /** Only as a process: it ends so long after it listens, with status 1. Default: never. */
  readonly exitAfterSeconds?: number;
  /** Only as a process: it ends while it loads, with this as the last line of a Python traceback. */
  readonly startError?: string;
  /** Only as a process: starts a process of its own that takes no notice of SIGTERM. Default: false. */
  readonly child?: boolean;
}

/** `GET /scripted`: what a scripted engine has seen. */
export interface EngineReport {
  readonly running: number;
  readonly waiting: number;
  /** Requests for inference so far. */
  readonly seen: number;
  /** Of those, how many were given up by their client. */
  readonly aborted: number;
  /** When, in nanoseconds of the machine's monotonic clock, as text: they are too large for a double. */
  readonly abortedAtNs: readonly string[];
  /** Connections that are open now. */
  readonly connections: number;
  /** Command line of a process. */
  readonly argv: readonly string[];
  /** Process that it started (`child`). */
  readonly childPid: number | undefined;
}

/** The paths that generate text. */
export const INFERENCE_PATHS = ['/v1/completions', '/v1/chat/completions'] as const;

export type InferencePath = (typeof INFERENCE_PATHS)[number];

export function isInferencePath(path: string): path is InferencePath {
  return INFERENCE_PATHS.some((known) => known === path);
}
