/** The JSON body of a request, and reading fields out of it. */
import { withoutImages } from '@nereid/protocol';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@nereid/protocol/http';
import { refusal } from './openai-error.ts';

/** A body: its bytes as the client sent them, and what the server itself looks at. */
export interface RequestBody {
  readonly bytes: Uint8Array;
  /**
   * All of it, images included.
   *
   * @throws InferenceServerError INVALID_ARG for what is no JSON within an image.
   */
  readonly json: JsonObject;
  /** The model as the client names it. */
  readonly model: string;
  readonly isStream: boolean;
}

/** A body of which images are read when somebody looks at them: models that take it whole read it themselves. */
class ClientBody implements RequestBody {
  readonly bytes: Buffer;
  readonly model: string;
  readonly isStream: boolean;
  #json: JsonObject | undefined;

  constructor(bytes: Buffer) {
    const read = withoutImages(bytes);
    const json = parseObject(read);
    const model = json['model'];
    if (typeof model !== 'string' || model === '') {
      throw wrongField('model', 'the name of a model', model);
    }
    this.bytes = bytes;
    this.model = model;
    this.isStream = json['stream'] === true;
    if (read === bytes) this.#json = json;
  }

  get json(): JsonObject {
    return (this.#json ??= parseObject(this.bytes));
  }
}

/**
 * Reads a body.
 *
 * @throws InferenceServerError INVALID_ARG for what is no JSON object, or names no model.
 */
export function parseBody(bytes: Buffer): RequestBody {
  return new ClientBody(bytes);
}

/** The body of a request that the server makes of another one. */
export function createBody(json: JsonObject, { model, isStream }: RequestBody): RequestBody {
  return { bytes: Buffer.from(JSON.stringify(json)), json, model, isStream };
}

function parseObject(bytes: Buffer): JsonObject {
  let json: JsonValue;
  try {
    json = JSON.parse(bytes.toString('utf8')) as JsonValue;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw refusal(`the body is not valid JSON: ${reason}`, {});
  }
  if (isJsonObject(json)) return json;
  throw refusal(`the body must be a JSON object, found ${kindOf(json)}`, {});
}

/** A member that may be missing or null; both are undefined here. */
export function optionalMember(json: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(json, name) ? (json[name] ?? undefined) : undefined;
}

/** @throws InferenceServerError INVALID_ARG unless the value is a string. */
export function asString(value: JsonValue | undefined, param: string): string {
  if (typeof value === 'string') return value;
  throw wrongField(param, 'a string', value);
}

/** @throws InferenceServerError INVALID_ARG unless the value is a list. */
export function asList(value: JsonValue | undefined, param: string): readonly JsonValue[] {
  if (isJsonArray(value)) return value;
  throw wrongField(param, 'a list', value);
}

/** @throws InferenceServerError INVALID_ARG unless the value is an object. */
export function asObject(value: JsonValue | undefined, param: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw wrongField(param, 'an object', value);
}

/** The error of a field whose value is of another kind. */
export function wrongField(param: string, expected: string, found: JsonValue | undefined): Error {
  return refusal(`'${param}' must be ${expected}, found ${kindOf(found)}`, { param });
}

function kindOf(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (isJsonArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value) ?? '';
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
