/** Texts of a model that is mapped, answered as they come or when they are complete. */
import type { PluginInference, PluginResponse, PluginResponseHandler } from '@nereid/backend-sdk/http';
import { InferenceServerError } from '@nereid/protocol';
import type { Exchange } from './exchange.ts';
import { addUsage, finishReasonOf, textOf, type TokenUsage } from './mapped-outputs.ts';
import { optionalMember, asObject } from './request-body.ts';
import { refusal } from './openai-error.ts';
import type { TextForm } from './text-form.ts';

const DONE = 'data: [DONE]\n\n';

/** Fields that these endpoints read themselves. */
export const TEXT_FIELDS: ReadonlySet<string> = new Set(['model', 'stream', 'stream_options']);

/** A text that is being made. */
interface Choice {
  text: string;
  finishReason: string | undefined;
  usage: TokenUsage;
  /** Whether its first event was written. */
  isStarted: boolean;
  isFinished: boolean;
}

/** Runs inferences, each of which makes the text of one choice, and answers with all of them. */
export function generateTexts(
  exchange: Exchange,
  inferences: readonly PluginInference[],
  form: TextForm,
  output: string,
): void {
  const generation = new TextGeneration(exchange, form, { count: inferences.length, output });
  const { context, request, connection } = exchange;
  // Each inference listens for its end.
  connection.setMaxListeners(connection.getMaxListeners() + inferences.length);
  for (const [index, inference] of inferences.entries()) {
    context.infer(inference, request, connection, generation.handler(index));
  }
}

/**
 * Whether the client wants the usage at the end of its stream.
 *
 * @throws InferenceServerError INVALID_ARG for stream options without a stream.
 */
export function wantsUsage({ body }: Exchange): boolean {
  const options = optionalMember(body.json, 'stream_options');
  if (options === undefined) return false;
  if (!body.isStream) {
    throw refusal(`'stream_options' is only for requests with "stream": true`, { param: 'stream_options' });
  }
  return asObject(options, 'stream_options')['include_usage'] === true;
}

class TextGeneration {
  readonly #exchange: Exchange;
  readonly #form: TextForm;
  readonly #output: string;
  readonly #choices: readonly Choice[];
  #hasFailed = false;

  constructor(
    exchange: Exchange,
    form: TextForm,
    { count, output }: { readonly count: number; readonly output: string },
  ) {
    this.#exchange = exchange;
    this.#form = form;
    this.#output = output;
    this.#choices = Array.from({ length: count }, () => ({
      text: '',
      finishReason: undefined,
      usage: { prompt: 0, completion: 0 },
      isStarted: false,
      isFinished: false,
    }));
  }

  /** Hears the responses for one choice. */
  handler(index: number): PluginResponseHandler {
    return (response, final) => {
      if (this.#hasFailed) return;
      try {
        this.#hear(index, response, final);
      } catch (reason) {
        this.#hasFailed = true;
        this.#exchange.answer.fail(InferenceServerError.from(reason));
      }
    };
  }

  #hear(index: number, response: PluginResponse | undefined, final: boolean): void {
    if (response?.error !== undefined) throw response.error;
    const choice = this.#choices[index];
    if (choice === undefined) return;
    if (response !== undefined) {
      const text = textOf(response, this.#output);
      choice.finishReason = finishReasonOf(response) ?? choice.finishReason;
      choice.usage = addUsage(choice.usage, response);
      if (this.#isStream) this.#stream(index, choice, text);
      else choice.text += text;
    }
    if (final) this.#finish(index, choice);
  }

  get #isStream(): boolean {
    return this.#exchange.body.isStream;
  }

  #stream(index: number, choice: Choice, text: string): void {
    this.#start(index, choice);
    if (text !== '') this.#write(this.#form.delta(index, text));
  }

  #start(index: number, choice: Choice): void {
    if (choice.isStarted) return;
    choice.isStarted = true;
    const event = this.#form.start(index);
    if (event !== undefined) this.#write(event);
  }

  #finish(index: number, choice: Choice): void {
    choice.isFinished = true;
    if (this.#isStream) {
      this.#start(index, choice);
      this.#write(this.#form.finish(index, choice.finishReason ?? 'stop'));
    }
    if (!this.#choices.every(({ isFinished }) => isFinished)) return;
    const { answer } = this.#exchange;
    if (this.#isStream) {
      if (wantsUsage(this.#exchange)) this.#write(this.#form.usage(this.#usage()));
      answer.write(DONE);
      answer.end();
    } else {
      const texts = this.#choices.map(({ text, finishReason = 'stop' }) => ({ text, finishReason }));
      answer.end(JSON.stringify(this.#form.whole(texts, this.#usage())));
    }
  }

  #usage(): TokenUsage {
    return this.#choices.reduce(
      (sum, { usage }) => ({
        prompt: sum.prompt + usage.prompt,
        completion: sum.completion + usage.completion,
      }),
      { prompt: 0, completion: 0 },
    );
  }

  #write(event: object): void {
    this.#exchange.answer.write(`data: ${JSON.stringify(event)}\n\n`);
  }
}
