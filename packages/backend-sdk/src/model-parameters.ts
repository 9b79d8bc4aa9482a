import { InferenceServerError } from '@nereid/protocol/inference-server-error';
import type { ModelConfig } from '@nereid/protocol/model-config';

/** How one parameter is to be read. Without a default, a parameter that is not given reads as undefined. */
export type ParameterSpec = {
  /** What it does, in a few words: `nereid backends` shows it of settings. */
  readonly description?: string;
} & (
  | {
      readonly type: 'integer' | 'number';
      readonly default?: number;
      /** Smallest value allowed. */
      readonly minimum?: number;
      /** Largest value allowed. */
      readonly maximum?: number;
    }
  | {
      /** `true`, `false`, `1`, `0`, in any case. */
      readonly type: 'boolean';
      readonly default?: boolean;
    }
  | {
      readonly type: 'string';
      readonly default?: string;
      /** The values allowed; absent: any. */
      readonly oneOf?: readonly string[];
    }
);

type SpecValue<S extends ParameterSpec> = S extends { type: 'integer' | 'number' }
  ? number
  : S extends { type: 'boolean' }
    ? boolean
    : S extends { readonly oneOf: readonly (infer V extends string)[] }
      ? V
      : string;

/** The values that specs describe, by the same names. */
export type ParameterValuesOf<S extends Readonly<Record<string, ParameterSpec>>> = {
  readonly [K in keyof S]: SpecValue<S[K]> | (S[K] extends { readonly default: unknown } ? never : undefined);
};

/**
 * Reads the `parameters` of a model's configuration, whose values are all strings. Parameters that no spec names
 * are left alone.
 *
 * ```ts
 * const { execution_mode } = readModelParameters(config, {
 *   execution_mode: { type: 'integer', default: 0, minimum: 0, maximum: 1 },
 * });
 * ```
 *
 * @throws InferenceServerError INVALID_ARG naming the model, the parameter, what was expected and found.
 */
export function readModelParameters<const S extends Readonly<Record<string, ParameterSpec>>>(
  config: Pick<ModelConfig, 'name' | 'parameters'>,
  specs: S,
): ParameterValuesOf<S> {
  return readAll(specs, (name) => config.parameters[name]?.string_value, `model '${config.name}', parameter`);
}

/** What a backend is given on the command line: a part of `BackendContext`. */
export interface GivenSettings {
  readonly backendName: string;
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Reads the settings given to a backend on the command line (`--backend-config=<backend>,<name>=<value>`).
 *
 * @throws InferenceServerError INVALID_ARG naming the backend, the setting, what was expected and found.
 */
export function readBackendSettings<const S extends Readonly<Record<string, ParameterSpec>>>(
  context: GivenSettings,
  specs: S,
): ParameterValuesOf<S> {
  return readSettings(`backend '${context.backendName}'`, context.settings, specs);
}

/**
 * Reads settings of a command line.
 *
 * @param owner - Whose they are, for messages: `HTTP plugin 'openai'`.
 * @throws InferenceServerError INVALID_ARG naming the owner, the setting, what was expected and found.
 */
export function readSettings<const S extends Readonly<Record<string, ParameterSpec>>>(
  owner: string,
  settings: Readonly<Record<string, string>>,
  specs: S,
): ParameterValuesOf<S> {
  return readAll(specs, (name) => settings[name], `${owner}, setting`);
}

function readAll<S extends Readonly<Record<string, ParameterSpec>>>(
  specs: S,
  read: (name: string) => string | undefined,
  where: string,
): ParameterValuesOf<S> {
  const values = Object.entries(specs).map(([name, spec]) => [
    name,
    readOne(spec, read(name), `${where} '${name}'`),
  ]);
  // Each value was parsed by the spec of its name, which the type of an entry list cannot say.
  return Object.fromEntries(values) as ParameterValuesOf<S>;
}

function readOne(
  spec: ParameterSpec,
  text: string | undefined,
  where: string,
): string | number | boolean | undefined {
  if (text === undefined) return spec.default;
  const value = parse(spec, text.trim());
  if (value !== undefined) return value;
  const expected = describeParameter(spec);
  throw new InferenceServerError('INVALID_ARG', `${where}: expected ${expected}, found '${text}'`);
}

/** The value, undefined when the text is none of that kind. */
function parse(spec: ParameterSpec, text: string): string | number | boolean | undefined {
  switch (spec.type) {
    case 'boolean':
      return parseBoolean(text.toLowerCase());
    case 'string':
      return spec.oneOf === undefined || spec.oneOf.includes(text) ? text : undefined;
    case 'integer':
    case 'number':
      return parseNumber(spec, text);
  }
}

function parseNumber(
  { type, minimum = -Infinity, maximum = Infinity }: Extract<ParameterSpec, { type: 'integer' | 'number' }>,
  text: string,
): number | undefined {
  const value = text === '' ? Number.NaN : Number(text);
  const isKind = type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
  return isKind && value >= minimum && value <= maximum ? value : undefined;
}

function parseBoolean(text: string): boolean | undefined {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : undefined;
}

/** The values that a parameter may have, in words: `an integer of at least 1`. */
export function describeParameter(spec: ParameterSpec): string {
  switch (spec.type) {
    case 'boolean':
      return 'true, false, 1 or 0';
    case 'string':
      return spec.oneOf === undefined ? 'any text' : `one of ${spec.oneOf.join(', ')}`;
    case 'integer':
    case 'number': {
      const kind = spec.type === 'integer' ? 'an integer' : 'a number';
      const { minimum, maximum } = spec;
      if (minimum !== undefined && maximum !== undefined) return `${kind} from ${minimum} to ${maximum}`;
      if (minimum !== undefined) return `${kind} of at least ${minimum}`;
      return maximum === undefined ? kind : `${kind} of at most ${maximum}`;
    }
  }
}
