/** The messages of a chat, as a mapped model gets them. */
import { isJsonObject, type JsonObject, type JsonValue } from '@nereid/protocol/http';
import { refusal } from './openai-error.ts';
import { asList, asObject, asString, wrongField } from './request-body.ts';

/** What the last user said. */
export interface UserTurn {
  readonly text: string;
  /** Base64, without the head of a data URL. */
  readonly images: readonly string[];
}

const DATA_URL = /^data:[^,]*;base64,/;

/**
 * The messages of a body.
 *
 * @throws InferenceServerError INVALID_ARG unless they are a list of objects with at least one member.
 */
export function messagesOf(json: JsonObject): readonly JsonObject[] {
  const messages = asList(json['messages'], 'messages');
  if (messages.length === 0) throw wrongField('messages', 'a list of at least one message', messages);
  return messages.map((message, index) => asObject(message, `messages[${index}]`));
}

/**
 * The last message of the user.
 *
 * @throws InferenceServerError INVALID_ARG when there is none, or it has parts that are neither text nor images.
 */
export function lastUserTurn(messages: readonly JsonObject[]): UserTurn {
  const index = messages.findLastIndex(({ role }) => role === 'user');
  const content = messages[index]?.['content'];
  const param = `messages[${index}].content`;
  if (index < 0)
    throw refusal("'messages' must have one whose role is 'user', found none", { param: 'messages' });
  if (typeof content === 'string') return { text: content, images: [] };
  const parts = asList(content, param).map((part, at) => readPart(part, `${param}[${at}]`));
  return {
    text: parts.flatMap(({ text }) => text ?? []).join('\n'),
    images: parts.flatMap(({ image }) => image ?? []),
  };
}

interface Part {
  readonly text?: string;
  readonly image?: string;
}

function readPart(part: JsonValue, param: string): Part {
  const object = asObject(part, param);
  if (object['type'] === 'text') return { text: asString(object['text'], `${param}.text`) };
  if (object['type'] === 'image_url') return { image: readImage(object, param) };
  throw wrongField(`${param}.type`, "'text' or 'image_url'", object['type']);
}

function readImage(part: JsonObject, param: string): string {
  const image = part['image_url'];
  const url = isJsonObject(image) ? image['url'] : image;
  const text = asString(url, `${param}.image_url.url`);
  // Images elsewhere are not fetched: that would let clients have the server read what they can't.
  if (!DATA_URL.test(text)) throw wrongField(`${param}.image_url.url`, "'data:image/…;base64,…'", text);
  return text.replace(DATA_URL, '');
}
