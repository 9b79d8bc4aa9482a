/** The body of `POST /v1/responses` → the body of a chat completion. */
import { isJsonObject, memberOf, type JsonObject, type JsonValue } from '@nereid/protocol/http';
import { refusal } from './openai-error.ts';
import { asList, asObject, asString, optionalMember, wrongField } from './request-body.ts';
import { toMessages } from './responses-input.ts';

type Fields = Record<string, JsonValue>;

/** What needs a memory of earlier responses, or a service beside the model. */
const REFUSED = [
  'previous_response_id',
  'conversation',
  'prompt',
  'context_management',
  'moderation',
  'image',
  'access_programs',
];

/** Fields whose other values would be asked for in vain. */
const ONLY: ReadonlyMap<string, readonly JsonValue[]> = new Map<string, readonly JsonValue[]>([
  ['background', [false]],
  ['truncation', ['disabled']],
  ['service_tier', ['auto', 'default']],
]);

/** Fields that say nothing to a model: `store` and the caches are no part of an answer, limits of built-in tools have none. */
const WITHOUT_EFFECT = [
  'store',
  'max_tool_calls',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
];

const LOGPROBS = 'message.output_text.logprobs';

/** What is read and written otherwise in a chat; all else goes along as it is, as engines have fields of their own. */
const TRANSLATED = new Set([
  ...REFUSED,
  ...ONLY.keys(),
  ...WITHOUT_EFFECT,
  ...['model', 'stream', 'stream_options', 'input', 'instructions', 'metadata', 'include', 'top_logprobs'],
  ...['max_output_tokens', 'reasoning', 'text', 'tools', 'tool_choice'],
]);

/**
 * The chat that a response is made of.
 *
 * @throws InferenceServerError INVALID_ARG naming the field that is wrong, or that asks for what is not there.
 */
export function toChatBody(json: JsonObject): JsonObject {
  refuseMissing(json);
  const chat: Fields = { model: json['model'] ?? null, messages: toMessages(json) };
  for (const [name, value] of Object.entries(json)) {
    if (!TRANSLATED.has(name) && value !== null) chat[name] = value;
  }
  const limit = optionalMember(json, 'max_output_tokens');
  if (limit !== undefined) chat['max_tokens'] = limit;
  const effort = optionalMember(asObject(json['reasoning'] ?? {}, 'reasoning'), 'effort');
  if (effort !== undefined) chat['reasoning_effort'] = effort;
  if (json['stream'] === true) {
    chat['stream'] = true;
    chat['stream_options'] = { include_usage: true };
  }
  return { ...chat, ...toLogprobs(json), ...toTextFields(json), ...toToolFields(json) };
}

function refuseMissing(json: JsonObject): void {
  for (const param of REFUSED) {
    if (optionalMember(json, param) === undefined) continue;
    throw refusal(
      `'${param}' is not supported: responses are not stored, and have no services beside the model`,
      {
        param,
      },
    );
  }
  for (const [param, values] of ONLY) {
    const value = optionalMember(json, param);
    if (value !== undefined && !values.includes(value)) {
      throw wrongField(param, values.map((one) => JSON.stringify(one)).join(' or '), value);
    }
  }
}

function toLogprobs(json: JsonObject): Fields {
  const include = asList(json['include'] ?? [], 'include');
  const unknown = include.find((name) => name !== LOGPROBS && name !== 'reasoning.encrypted_content');
  if (unknown !== undefined) throw wrongField('include', `a list of '${LOGPROBS}'`, unknown);
  const top = optionalMember(json, 'top_logprobs');
  if (top === undefined && !include.includes(LOGPROBS)) return {};
  return { logprobs: true, ...(top === undefined ? {} : { top_logprobs: top }) };
}

function toTextFields(json: JsonObject): Fields {
  const text = asObject(json['text'] ?? {}, 'text');
  const fields: Fields = {};
  const verbosity = optionalMember(text, 'verbosity');
  if (verbosity !== undefined) fields['verbosity'] = verbosity;
  const format = asObject(text['format'] ?? { type: 'text' }, 'text.format');
  const { type, ...schema } = format;
  switch (type) {
    case 'text':
      return fields;
    case 'json_object':
      return { ...fields, response_format: { type } };
    case 'json_schema':
      return { ...fields, response_format: { type, json_schema: schema } };
    default:
      throw wrongField('text.format.type', "'text', 'json_object' or 'json_schema'", type);
  }
}

function toToolFields(json: JsonObject): Fields {
  const tools = asList(json['tools'] ?? [], 'tools').map((tool, at) => toTool(tool, `tools[${at}]`));
  const choice = optionalMember(json, 'tool_choice');
  if (tools.length === 0 && (choice === undefined || choice === 'auto' || choice === 'none')) return {};
  return { tools, ...(choice === undefined ? {} : { tool_choice: toToolChoice(choice) }) };
}

function toTool(value: JsonValue, param: string): JsonValue {
  const { type, ...definition } = asObject(value, param);
  if (type === 'function') return { type, function: definition };
  throw wrongField(`${param}.type`, "'function', as there are no built-in tools", type);
}

function toToolChoice(choice: JsonValue): JsonValue {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice;
  if (isJsonObject(choice) && memberOf(choice, 'type') === 'function') {
    return { type: 'function', function: { name: asString(choice['name'], 'tool_choice.name') } };
  }
  throw wrongField('tool_choice', "'auto', 'none', 'required' or a function", choice);
}
