/** The JSON body of a request, and reading fields out of it. */
import { ImagesAside } from '@nereid/protocol';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@nereid/protocol/http';
import { refusal } from './openai-error.ts';

/** A body: its bytes, and what the server itself looks at. */
export interface RequestBody {
  /** As the client sent them, or of a body that the server makes: in pieces. */
  readonly pieces: readonly Uint8Array[];
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
export class ClientBody implements RequestBody {
  readonly pieces: readonly [Buffer];
  readonly model: string;
  readonly isStream: boolean;
  /** All of it; in the place of large images stand texts. */
  readonly light: JsonObject;
  readonly #images: ImagesAside;
  #json: JsonObject | undefined;

  constructor(bytes: Buffer) {
    this.#images = new ImagesAside(bytes);
    this.light = parseObject(this.#images.rest);
    const { model, stream } = this.light;
    if (typeof model !== 'string' || model === '') {
      throw wrongField('model', 'the name of a model', model);
    }
    // Engines take `"true"` and 1 for it: they would answer with a stream where a body is waited for.
    if (typeof stream !== 'boolean' && stream !== undefined && stream !== null) {
      throw wrongField('stream', 'true or false', stream);
    }
    this.pieces = [bytes];
    this.model = model;
    this.isStream = stream === true;
  }

  get json(): JsonObject {
    return (this.#json ??= this.#images.isEmpty ? this.light : parseObject(this.pieces[0]));
  }

  /** Whether an image is missing in a part of `light`. */
  isMissingIn(part: JsonObject): boolean {
    return this.#images.isIn(JSON.stringify(part));
  }

  /**
   * A body for the same model, made of parts of this one.
   *
   * @param make - Makes it, of `light`, whose images are put back as bytes; of `json`, when somebody looks at them, or when they
   *   have become parts of longer texts.
   */
  translate(make: (json: JsonObject) => JsonObject): RequestBody {
    const made = make(this.light);
    const { model, isStream } = this;
    let json = this.#images.isEmpty ? made : undefined;
    const whole = (): JsonObject => (json ??= make(this.json));
    return {
      model,
      isStream,
      pieces: this.#images.putBack(JSON.stringify(made)) ?? [Buffer.from(JSON.stringify(whole()))],
      get json() {
        return whole();
      },
    };
  }
}

/**
 * Reads a body.
 *
 * @throws InferenceServerError INVALID_ARG for what is no JSON object, or names no model.
 */
export function parseBody(bytes: Buffer): ClientBody {
  return new ClientBody(bytes);
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
