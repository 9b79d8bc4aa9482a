/** `POST /v1/embeddings` of models that are mapped. */
import type { PluginResponse } from '@nereid/backend-sdk/http';
import { InferenceServerError } from '@nereid/protocol';
import { textsOf } from './completions.ts';
import type { Endpoint, Exchange } from './exchange.ts';
import { toInference } from './mapped-inputs.ts';
import { addUsage, vectorsOf, type TokenUsage } from './mapped-outputs.ts';
import type { ModelMapping } from './model-api.ts';
import { optionalMember, wrongField } from './request-body.ts';

const OWN: ReadonlySet<string> = new Set(['model', 'input', 'encoding_format']);

export const EMBEDDINGS: Endpoint = {
  path: '/v1/embeddings',
  api: 'embeddings',
  askMapped: (exchange, mapping) => {
    const { json } = exchange.body;
    const texts = textsOf(json['input'], 'input');
    const embedding = new EmbeddingAnswer(exchange, texts.length);
    const size = Math.max(1, exchange.model.config.max_batch_size);
    const batches = Array.from({ length: Math.ceil(texts.length / size) }, (_, at) =>
      texts.slice(at * size, (at + 1) * size),
    );
    // All are made before the first one runs: what is wrong with the body is then the only answer.
    const inferences = batches.map((batch) =>
      toInference(exchange, mapping, { texts: batch, fields: json, own: OWN }),
    );
    const { context, request, connection } = exchange;
    connection.setMaxListeners(connection.getMaxListeners() + batches.length);
    for (const [at, inference] of inferences.entries()) {
      const rows = { first: at * size, count: batches[at]?.length ?? 0 };
      context.infer(inference, request, connection, (response, final) =>
        embedding.hear({ response, final }, rows, mapping),
      );
    }
  },
};

interface Heard {
  readonly response: PluginResponse | undefined;
  readonly final: boolean;
}

/** The texts of one inference among those of the request. */
interface Rows {
  readonly first: number;
  readonly count: number;
}

/** Collects the vectors of all texts, and answers with them. */
class EmbeddingAnswer {
  readonly #exchange: Exchange;
  readonly #encode: (vector: Float32Array) => string | readonly number[];
  readonly #vectors: (Float32Array | undefined)[];
  #usage: TokenUsage = { prompt: 0, completion: 0 };
  #hasFailed = false;

  constructor(exchange: Exchange, count: number) {
    this.#exchange = exchange;
    this.#encode = encoderOf(exchange);
    this.#vectors = Array.from({ length: count }, () => undefined);
  }

  hear({ response, final }: Heard, rows: Rows, { output }: ModelMapping): void {
    if (this.#hasFailed) return;
    try {
      if (response?.error !== undefined) throw response.error;
      if (response !== undefined) this.#keep(response, rows, output.name);
      if (final) this.#answerWhenComplete(rows);
    } catch (reason) {
      this.#hasFailed = true;
      this.#exchange.answer.fail(InferenceServerError.from(reason));
    }
  }

  #keep(response: PluginResponse, { first, count }: Rows, output: string): void {
    for (const [at, vector] of vectorsOf(response, output, count).entries())
      this.#vectors[first + at] = vector;
    const { prompt } = addUsage({ prompt: 0, completion: 0 }, response);
    this.#usage = { prompt: this.#usage.prompt + prompt, completion: 0 };
  }

  #answerWhenComplete({ first }: Rows): void {
    const { model, body, answer } = this.#exchange;
    if (this.#vectors[first] === undefined) {
      throw new InferenceServerError('INTERNAL', `model '${model.name}' ended without an answer`);
    }
    if (this.#vectors.includes(undefined)) return;
    const data = this.#vectors.map((vector = new Float32Array(0), index) => ({
      object: 'embedding',
      index,
      embedding: this.#encode(vector),
    }));
    const { prompt } = this.#usage;
    const usage = { prompt_tokens: prompt, total_tokens: prompt };
    answer.end(JSON.stringify({ object: 'list', data, model: body.model, usage }));
  }
}

/** @throws InferenceServerError INVALID_ARG for an unknown format. */
function encoderOf({ body }: Exchange): (vector: Float32Array) => string | readonly number[] {
  const format = optionalMember(body.json, 'encoding_format') ?? 'float';
  if (format === 'float') return (vector) => [...vector];
  if (format !== 'base64') throw wrongField('encoding_format', "'float' or 'base64'", format);
  return ({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
