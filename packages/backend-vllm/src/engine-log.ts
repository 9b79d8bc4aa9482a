import type { Logger } from '@nereid/backend-sdk';

/** A fault may stand a long traceback before the end. */
const KEPT = 300;
const SHOWN = 10;
const MOST_DETAILS = 3;

/** What a line means, and how that is said. */
const STEPS: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [
    /checkpoint shards:\s+\d+% Completed \| (\d+)\/(\d+)/,
    ([, at, of]) => `loading weights: ${at} of ${of} shards`,
  ],
  [/\bFetching \d+ files:\s+(\d+)%/, ([, percent]) => `downloading the model: ${percent} %`],
  // TensorRT-LLM
  [/\bLoading (?:\w+ )?weights(?: \w+ \w+)?:\s+(\d+)%/, ([, percent]) => `loading weights: ${percent} %`],
  // vLLM, SGLang, llama.cpp
  [/Starting to load model|Load weight begin|load_tensors: loading model tensors/i, () => 'loading weights'],
  [
    /(?:Loading weights took|Load weight end\. elapsed=)\s*([\d.]+) s/,
    ([, seconds]) => `weights loaded in ${seconds} s`,
  ],
  [/for vLLM(?:'s)? torch\.compile|Dynamo bytecode transform|Compiling a graph/, () => 'compiling'],
  [/Capturing (?:CUDA graph|batches).*?(\d+)%/, ([, percent]) => `capturing CUDA graphs: ${percent} %`],
  [
    /KV cache size: ([\d,]+) tokens|KV Cache is allocated\..*?#tokens: (\d+)/,
    ([, tokens, ofSglang]) => `cache of ${tokens ?? ofSglang} tokens made`,
  ],
  [/Application startup complete|server is listening|server is fired up/, () => 'begins to answer'],
];

/** The first words of a line of vLLM: process, level, time, place. */
const PREFIX = /^(\([^)]*\) )?((DEBUG|INFO|WARNING|ERROR|CRITICAL)\s+\d\d-\d\d \d\d:\d\d:\d\d \[[^\]]*\] ?)?/;
const LEVEL = /\b(WARNING|ERROR|CRITICAL)\b/;
/** A refused command line, or the last line of a traceback. */
const FAULT = /error: .*\bargument|\b[\w.]*(Error|Exception|Interrupt): \S|^error: /i;
const OUT_OF_MEMORY = /OutOfMemoryError|out of memory/i;
/** What vLLM says when another of its processes has told the reason. */
const SECOND_HAND =
  /Engine core initialization failed|Engine process failed to start|worker.*died unexpectedly/i;

/** What a line of an engine's log says about how far its start is; undefined: nothing. */
export function progressOf(line: string): string | undefined {
  for (const [pattern, words] of STEPS) {
    const match = pattern.exec(line);
    if (match !== null) return words(match);
  }
  return undefined;
}

/** A fault, and what stands indented below it: where a value is wrong, which one. */
function withDetails([fault = '', ...following]: readonly string[]): string {
  const end = following.findIndex((line) => !line.startsWith('  '));
  const details = following.slice(0, Math.min(end < 0 ? following.length : end, MOST_DETAILS));
  return [fault, ...details].map((line) => line.trim()).join(' ');
}

/** The last lines of an engine, for when it ends; all of them go to the server's log. */
export class EngineLog {
  readonly #logger: Logger;
  readonly #model: string;
  #lines: string[] = [];

  constructor(logger: Logger, model: string) {
    this.#logger = logger;
    this.#model = model;
  }

  add(line: string): void {
    if (line.trim() === '') return;
    this.#lines.push(line);
    if (this.#lines.length > 2 * KEPT) this.#lines = this.#lines.slice(-KEPT);
    this.#write(line);
  }

  /** Why it ended as its own words have it, or else its last lines; '' when it said nothing. */
  get reason(): string {
    const lines = this.#lines.map((line) => line.replace(PREFIX, ''));
    const isFault = (line: string): boolean => FAULT.test(line) && !SECOND_HAND.test(line);
    const memory = lines.findIndex((line) => isFault(line) && OUT_OF_MEMORY.test(line));
    const fault = memory < 0 ? lines.findLastIndex(isFault) : memory;
    if (fault >= 0) return withDetails(lines.slice(fault));
    return this.#lines.slice(-SHOWN).join(' | ');
  }

  #write(line: string): void {
    const fields = { model: this.#model };
    const level = LEVEL.exec(line)?.[1];
    if (level === undefined) this.#logger.verbose(1, line, fields);
    else if (level === 'WARNING') this.#logger.warning(line, fields);
    else this.#logger.error(line, fields);
  }
}
