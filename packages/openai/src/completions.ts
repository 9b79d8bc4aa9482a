/** `POST /v1/completions` of models that are mapped. */
import { isJsonArray, type JsonValue } from '@nereid/protocol/http';
import type { Endpoint } from './exchange.ts';
import { toInference } from './mapped-inputs.ts';
import { refusal } from './openai-error.ts';
import { wrongField } from './request-body.ts';
import { completionForm } from './text-form.ts';
import { generateTexts, TEXT_FIELDS, wantsUsage } from './text-generation.ts';

/** As OpenAI's own limit: each text may be a request to the model. */
const MAX_TEXTS = 2048;

const OWN: ReadonlySet<string> = new Set([...TEXT_FIELDS, 'prompt']);

export const COMPLETIONS: Endpoint = {
  path: '/v1/completions',
  api: 'completions',
  askMapped: (exchange, mapping) => {
    const { body } = exchange;
    const form = completionForm({ model: body.model, includeUsage: wantsUsage(exchange) });
    const inferences = textsOf(body.json['prompt'], 'prompt').map((text) =>
      toInference(exchange, mapping, { texts: [text], fields: body.json, own: OWN }),
    );
    generateTexts(exchange, inferences, form, mapping.output.name);
  },
};

/**
 * One text, or a list of 1 to 2,048.
 *
 * @throws InferenceServerError INVALID_ARG for all else, lists of tokens among it: models get text.
 */
export function textsOf(value: JsonValue | undefined, param: string): readonly string[] {
  if (typeof value === 'string') return [value];
  const isTexts = isJsonArray(value) && value.length > 0 && value.every((text) => typeof text === 'string');
  if (!isTexts) throw wrongField(param, 'a text or a list of texts', value);
  if (value.length > MAX_TEXTS) {
    throw refusal(`'${param}' must have at most ${MAX_TEXTS} texts, found ${value.length}`, { param });
  }
  return value as readonly string[];
}
