/** What an engine tells of completions → the outputs of Triton's vLLM backend. */
import { createTensor, InferenceServerError, type BackendResponse, type Tensor } from '@nereid/backend-sdk';
import type { TokenUsage } from './answer-reader.ts';
import type { GenerateRequest } from './generate-request.ts';
import { isObject, numberOf, objectsOf, stringOf, type JsonObject } from './json.ts';
import { idsWithoutText, readLogprobs, toTritonLogprobs, type TokenStep } from './logprobs.ts';

/** What one event, or a whole answer, says of a completion. */
interface ChoiceNews {
  text: string;
  /** As of this event; undefined: it goes on. */
  finishReason: string | undefined;
  steps: readonly TokenStep[];
  /** New ones. */
  tokens: number;
}

/** An event that was taken apart. */
export interface GenerateNews {
  readonly choices: readonly ChoiceNews[];
  /** Ids of tokens whose texts have to be known before it becomes a response. */
  readonly unknownTokens: readonly number[];
}

/** What is known of a completion from all events so far. */
interface ChoiceState {
  finishReason: string | undefined;
  cumulativeLogprob: number;
  tokens: number;
}

/** Makes responses of events; keeps what has to be added up. */
export class GenerateResponses {
  readonly #request: GenerateRequest;
  readonly #states: ChoiceState[];
  readonly #textOf: (id: number) => string | undefined;
  #usage: TokenUsage = { promptTokens: undefined, completionTokens: undefined };
  #isFirst = true;

  /** @param textOf - The text of a token that the engine tells by its id. */
  constructor(request: GenerateRequest, textOf: (id: number) => string | undefined) {
    this.#request = request;
    this.#textOf = textOf;
    this.#states = Array.from({ length: request.sampling.n }, () => ({
      finishReason: undefined,
      cumulativeLogprob: 0,
      tokens: 0,
    }));
  }

  get usage(): TokenUsage {
    return this.#usage;
  }

  /** Whether each completion has its end. */
  get isFinished(): boolean {
    return this.#states.every(({ finishReason }) => finishReason !== undefined);
  }

  /**
   * Reads an event of a stream, or a whole answer.
   *
   * @returns undefined when it brings nothing for a response.
   * @throws InferenceServerError INTERNAL when it is none of OpenAI's answers or tells an error.
   */
  read(event: unknown): GenerateNews | undefined {
    if (!isObject(event) || !Array.isArray(event['choices'])) throw notAnAnswer(event);
    this.#readUsage(event['usage']);
    const given = objectsOf(event['choices']).filter(isNews);
    if (given.length === 0) return undefined;
    const choices: ChoiceNews[] = this.#states.map(() => ({
      text: '',
      finishReason: undefined,
      steps: [],
      tokens: 0,
    }));
    for (const choice of given) {
      const index = numberOf(choice['index']) ?? 0;
      const news = choices[index];
      if (news === undefined) throw surplusChoice(index, choices.length);
      this.#readChoice(choice, news, index);
    }
    for (const [index, news] of choices.entries()) news.finishReason = this.#states[index]?.finishReason;
    return { choices, unknownTokens: choices.flatMap(({ steps }) => this.#unknownTokens(steps)) };
  }

  /** The response of an event, with what was asked for. */
  respond({ choices }: GenerateNews): Tensor[] {
    const { wanted, prompt, prependsPrompt } = this.#request;
    const start = this.#isFirst && prependsPrompt ? prompt : '';
    this.#isFirst = false;
    const n = choices.length;
    const outputs = [
      strings(
        'text_output',
        choices.map(({ text }) => start + text),
      ),
    ];
    for (const [index, { steps }] of choices.entries()) this.#addLogprobs(index, steps);
    if (wanted.finishReason) {
      outputs.push(
        strings(
          'finish_reason',
          choices.map(({ finishReason }) => finishReason ?? 'None'),
        ),
      );
    }
    if (wanted.cumulativeLogprob) {
      const sums = this.#states.map(({ cumulativeLogprob }) => cumulativeLogprob);
      outputs.push(createTensor('cumulative_logprob', 'FP32', [n], Float32Array.from(sums)));
    }
    if (wanted.logprobs)
      outputs.push(
        strings(
          'logprobs',
          choices.map(({ steps }) => this.#logprobs(steps)),
        ),
      );
    const { promptTokens } = this.#usage;
    if (wanted.numInputTokens && promptTokens !== undefined) {
      outputs.push(createTensor('num_input_tokens', 'UINT32', [1], Uint32Array.of(promptTokens)));
    }
    if (wanted.numOutputTokens) {
      const tokens = choices.map(({ tokens: count }) => count);
      outputs.push(createTensor('num_output_tokens', 'UINT32', [n], Uint32Array.from(tokens)));
    }
    return outputs;
  }

  /** What the last response says beside its outputs: ensembles and other callers find it there. */
  lastResponse(outputs: readonly Tensor[]): BackendResponse {
    const { promptTokens, completionTokens } = this.#usage;
    const [first] = this.#states;
    const parameters = {
      // Not beside the output of that name: in the flat JSON of generate the two would be one.
      ...(!this.#request.wanted.finishReason &&
        first?.finishReason !== undefined && { finish_reason: first.finishReason }),
      ...(promptTokens !== undefined && { prompt_tokens: promptTokens }),
      ...(completionTokens !== undefined && { completion_tokens: completionTokens }),
    };
    return { outputs, parameters };
  }

  #readUsage(usage: unknown): void {
    if (!isObject(usage)) return;
    this.#usage = {
      promptTokens: numberOf(usage['prompt_tokens']) ?? this.#usage.promptTokens,
      completionTokens: numberOf(usage['completion_tokens']) ?? this.#usage.completionTokens,
    };
  }

  #readChoice(choice: JsonObject, news: ChoiceNews, index: number): void {
    const state = this.#states[index];
    if (state !== undefined) state.finishReason = stringOf(choice['finish_reason']) ?? state.finishReason;
    news.text = textOf(choice);
    news.steps = readLogprobs(choice['logprobs']);
    news.tokens = this.#countTokens(choice, news, index);
  }

  /** New tokens of a completion: by their ids, by what the engine has counted since, else one for each event with text. */
  #countTokens(choice: JsonObject, { steps, text }: ChoiceNews, index: number): number {
    const state = this.#states[index];
    const ids = choice['token_ids'];
    if (state === undefined || Array.isArray(ids)) return Array.isArray(ids) ? ids.length : 0;
    const { completionTokens } = this.#usage;
    const isTold = completionTokens !== undefined && (this.#request.isStream || this.#states.length === 1);
    if (!isTold) return steps.length > 0 ? steps.length : Number(text !== '');
    const news = Math.max(0, completionTokens - state.tokens);
    state.tokens = completionTokens;
    return news;
  }

  #addLogprobs(index: number, steps: readonly TokenStep[]): void {
    const state = this.#states[index];
    if (state === undefined) return;
    for (const { chosen } of steps) state.cumulativeLogprob += chosen.logprob;
  }

  #unknownTokens(steps: readonly TokenStep[]): number[] {
    if (!this.#request.wanted.logprobs) return [];
    return idsWithoutText(steps).filter((id) => this.#textOf(id) === undefined);
  }

  /** As Python's `json.dumps(None)` where no log probabilities were asked for. */
  #logprobs(steps: readonly TokenStep[]): string {
    const asked = this.#request.sampling.body['logprobs'];
    return typeof asked === 'number' ? toTritonLogprobs(steps, asked, this.#textOf) : 'null';
  }
}

/** The first event of a chat has the role alone. */
function isNews(choice: JsonObject): boolean {
  return (
    !isObject(choice['delta']) ||
    textOf(choice) !== '' ||
    typeof choice['finish_reason'] === 'string' ||
    isObject(choice['logprobs'])
  );
}

function textOf(choice: JsonObject): string {
  const text = stringOf(choice['text']);
  if (text !== undefined) return text;
  const message = choice['delta'] ?? choice['message'];
  return isObject(message) ? (stringOf(message['content']) ?? '') : '';
}

function strings(name: string, values: readonly string[]): Tensor {
  return createTensor(name, 'BYTES', [values.length], values);
}

/** vLLM tells in an event of its own what goes wrong after the first token. */
function notAnAnswer(event: unknown): InferenceServerError {
  const error = isObject(event) ? event['error'] : undefined;
  const message = isObject(error) ? stringOf(error['message']) : stringOf(error);
  return new InferenceServerError(
    'INTERNAL',
    message ?? `the engine's answer has no 'choices': ${JSON.stringify(event)?.slice(0, 200)}`,
  );
}

function surplusChoice(index: number, n: number): InferenceServerError {
  return new InferenceServerError(
    'INTERNAL',
    `the engine sent completion ${index}, but ${n} were asked for (numbered from 0)`,
  );
}
