/** `POST /v1/chat/completions` of models that are mapped. */
import type { JsonObject } from '@nereid/protocol/http';
import { lastUserTurn, messagesOf } from './chat-messages.ts';
import type { Endpoint, Exchange } from './exchange.ts';
import { toInference } from './mapped-inputs.ts';
import type { ModelMapping } from './model-api.ts';
import { chatForm } from './text-form.ts';
import { generateTexts, TEXT_FIELDS, wantsUsage } from './text-generation.ts';

/** Input that the images of the last user's message go to, as in the vLLM backend. */
const IMAGE_INPUT = 'image';

const OWN: ReadonlySet<string> = new Set([...TEXT_FIELDS, 'messages']);

export const CHAT_COMPLETIONS: Endpoint = {
  path: '/v1/chat/completions',
  api: 'chat',
  askMapped: (exchange, mapping) => {
    const { body } = exchange;
    const form = chatForm({ model: body.model, includeUsage: wantsUsage(exchange) });
    const inference = toInference(exchange, mapping, { ...chatInput(exchange, mapping), own: OWN });
    generateTexts(exchange, [inference], form, mapping.output.name);
  },
};

function chatInput(
  { body: { json }, model }: Exchange,
  { format }: ModelMapping,
): { readonly texts: readonly string[]; readonly fields: JsonObject } {
  const messages = messagesOf(json);
  const takesImages = model.config.input.some(({ name }) => name === IMAGE_INPUT);
  if (format === 'messages' && !takesImages) return { texts: [JSON.stringify(messages)], fields: json };
  const { text, images } = lastUserTurn(messages);
  const texts = [format === 'messages' ? JSON.stringify(messages) : text];
  // Without such an input the field is refused by its name, as any other that the model can't take.
  return { texts, fields: images.length === 0 ? json : { ...json, [IMAGE_INPUT]: images } };
}
