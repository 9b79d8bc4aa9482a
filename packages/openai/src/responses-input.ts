/** `input` and `instructions` of a response → the messages of a chat. */
import { isJsonArray, type JsonObject, type JsonValue } from '@nereid/protocol/http';
import { refusal } from './openai-error.ts';
import { asList, asObject, asString, optionalMember, wrongField } from './request-body.ts';

/** A message of a chat. */
type Message = Record<string, JsonValue>;

/** Chat templates of models know no `developer`. */
const ROLES: ReadonlyMap<JsonValue | undefined, string> = new Map([
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['system', 'system'],
  ['developer', 'system'],
]);

const ROLE_NAMES = 'user, assistant, system or developer';

/**
 * The messages of the chat that a response is.
 *
 * @throws InferenceServerError INVALID_ARG naming an item that is wrong or of a kind that is not taken.
 */
export function toMessages(json: JsonObject): readonly Message[] {
  const messages: Message[] = [];
  const instructions = optionalMember(json, 'instructions');
  if (instructions !== undefined)
    messages.push({ role: 'system', content: asString(instructions, 'instructions') });
  const input = json['input'];
  if (typeof input === 'string') return [...messages, { role: 'user', content: input }];
  if (!isJsonArray(input)) throw wrongField('input', 'a text or a list of items', input);
  for (const [index, item] of input.entries()) {
    appendItem(messages, asObject(item, `input[${index}]`), `input[${index}]`);
  }
  return messages;
}

function appendItem(messages: Message[], item: JsonObject, param: string): void {
  switch (optionalMember(item, 'type') ?? 'message') {
    case 'message':
      messages.push(toMessage(item, param));
      break;
    case 'function_call':
      appendCall(messages, item, param);
      break;
    case 'function_call_output':
      messages.push({
        role: 'tool',
        tool_call_id: asString(item['call_id'], `${param}.call_id`),
        content: toContent(item['output'], `${param}.output`),
      });
      break;
    case 'reasoning':
      // What a model thought in earlier turns: chat templates leave it out, too.
      break;
    default:
      throw wrongField(
        `${param}.type`,
        "'message', 'function_call', 'function_call_output' or 'reasoning'",
        item['type'],
      );
  }
}

function toMessage(item: JsonObject, param: string): Message {
  const role = ROLES.get(item['role']);
  if (role === undefined) throw wrongField(`${param}.role`, ROLE_NAMES, item['role']);
  return { role, content: toContent(item['content'], `${param}.content`) };
}

/** Calls of one turn are one message, that of the assistant's text before them if there is one. */
function appendCall(messages: Message[], item: JsonObject, param: string): void {
  const call = {
    id: asString(item['call_id'], `${param}.call_id`),
    type: 'function',
    function: {
      name: asString(item['name'], `${param}.name`),
      arguments: asString(item['arguments'], `${param}.arguments`),
    },
  };
  const last = messages.at(-1);
  if (last?.['role'] !== 'assistant') {
    messages.push({ role: 'assistant', content: null, tool_calls: [call] });
    return;
  }
  const calls = last['tool_calls'];
  last['tool_calls'] = isJsonArray(calls) ? [...calls, call] : [call];
}

/** Text stays text, since not every chat template takes parts; with images it becomes parts. */
function toContent(value: JsonValue | undefined, param: string): JsonValue {
  if (typeof value === 'string') return value;
  const parts = asList(value, param).map((part, at) =>
    toPart(asObject(part, `${param}[${at}]`), `${param}[${at}]`),
  );
  const texts = parts.flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
  return texts.length === parts.length ? texts.join('') : parts;
}

function toPart(part: JsonObject, param: string): Record<string, JsonValue> {
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
      return { type: 'text', text: asString(part['text'], `${param}.text`) };
    case 'refusal':
      return { type: 'text', text: asString(part['refusal'], `${param}.refusal`) };
    case 'input_image':
      return { type: 'image_url', image_url: toImage(part, param) };
    default:
      throw wrongField(
        `${param}.type`,
        "'input_text', 'output_text', 'refusal' or 'input_image'",
        part['type'],
      );
  }
}

function toImage(part: JsonObject, param: string): JsonValue {
  if (optionalMember(part, 'file_id') !== undefined) {
    throw refusal(`'${param}.file_id' is not taken: there are no stored files, send 'image_url'`, {
      param: `${param}.file_id`,
    });
  }
  const url = asString(part['image_url'], `${param}.image_url`);
  const detail = optionalMember(part, 'detail');
  return detail === undefined ? { url } : { url, detail };
}
