/** The table of all options: what each is called, its kind, default and meaning. Everything else is derived. */
import { InferenceServerError } from '@nereid/protocol';
import { nearestName } from '@nereid/protocol/model-config';
import * as endpoint from './endpoint-options.ts';
import * as model from './model-options.ts';
import type { OptionSpec } from './option-spec.ts';

/** The options by the groups of the usage text. */
export const OPTION_GROUPS = {
  Server: model.SERVER_OPTIONS,
  Logging: model.LOGGING_OPTIONS,
  'Model repository': model.MODEL_OPTIONS,
  Backends: model.BACKEND_OPTIONS,
  HTTP: endpoint.HTTP_OPTIONS,
  gRPC: endpoint.GRPC_OPTIONS,
  Metrics: endpoint.METRICS_OPTIONS,
  Tracing: endpoint.TRACING_OPTIONS,
  'Response cache': model.CACHE_OPTIONS,
  'Rate limiter': model.RATE_LIMITER_OPTIONS,
  Memory: model.MEMORY_OPTIONS,
  'SageMaker and Vertex AI': endpoint.CLOUD_OPTIONS,
} as const;

/** All options by their property of {@link ServerOptions}. */
export const OPTIONS = {
  ...model.SERVER_OPTIONS,
  ...model.LOGGING_OPTIONS,
  ...model.MODEL_OPTIONS,
  ...model.BACKEND_OPTIONS,
  ...endpoint.HTTP_OPTIONS,
  ...endpoint.GRPC_OPTIONS,
  ...endpoint.METRICS_OPTIONS,
  ...endpoint.TRACING_OPTIONS,
  ...model.CACHE_OPTIONS,
  ...model.RATE_LIMITER_OPTIONS,
  ...model.MEMORY_OPTIONS,
  ...endpoint.CLOUD_OPTIONS,
};

/** The options that tritonserver does not have. */
export const OWN_OPTIONS: readonly (keyof OptionTable)[] = [
  'requireBackends',
  'executorThreads',
  'frontThreads',
];

type OptionTable = typeof OPTIONS;
type ValueOf<Spec> = Spec extends { isValid(value: unknown): value is infer Value } ? Value : never;

/** All options but the required one may be left out; each is described in the usage text (`nereid --help`). */
export type ServerOptions = {
  readonly [K in Exclude<keyof OptionTable, 'modelRepository'>]?: ValueOf<OptionTable[K]>;
} & {
  readonly modelRepository: ValueOf<OptionTable['modelRepository']>;
};

/** The options with their defaults; undefined where an option has none. */
export type CompleteOptions = {
  readonly [K in keyof OptionTable]: OptionTable[K]['default'] extends undefined
    ? ValueOf<OptionTable[K]> | undefined
    : ValueOf<OptionTable[K]>;
} & { readonly modelRepository: readonly string[] };

/** An option with the type of its values forgotten. */
export type AnyOption = OptionSpec<unknown, unknown>;

const BY_KEY: ReadonlyMap<string, AnyOption> = new Map<string, AnyOption>(Object.entries(OPTIONS));

/** The option of a property; undefined when there is none. */
export function findOption(key: string): AnyOption | undefined {
  return BY_KEY.get(key);
}

/** `httpPort` → `http-port` */
export function flagOf(key: string): string {
  return key.replaceAll(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}

/** `http-port` → `httpPort` */
export function keyOf(flag: string): string {
  return flag.replaceAll(/-([a-z0-9])/g, (_, first: string) => first.toUpperCase());
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws InferenceServerError INVALID_ARG naming the option, what was expected and found.
 */
export function completeOptions(options: ServerOptions): CompleteOptions {
  const defaults = [...BY_KEY].map(([key, option]): [string, unknown] => [key, option.default]);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const complete: Readonly<Record<string, unknown>> = Object.fromEntries([...defaults, ...given]);
  assertComplete(complete);
  return complete;
}

function assertComplete(options: Readonly<Record<string, unknown>>): asserts options is CompleteOptions {
  for (const [key, value] of Object.entries(options)) {
    const option = BY_KEY.get(key);
    if (option === undefined) throw unknownOption(`'${key}'`, nearestName(key, BY_KEY.keys()));
    if (!(value === undefined && option.default === undefined)) assertValid(key, option, value);
  }
  const repositories = options['modelRepository'];
  if (!Array.isArray(repositories) || repositories.length === 0) {
    throw new InferenceServerError('INVALID_ARG', 'option --model-repository must be given at least once');
  }
}

function assertValid(key: string, option: AnyOption, value: unknown): void {
  if (!option.isValid(value)) throw badValue(flagOf(key), option, String(value));
}

/** The error for an option that there is none of. */
export function unknownOption(name: string, nearest: string | undefined): InferenceServerError {
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  return new InferenceServerError('INVALID_ARG', `unknown option ${name}${hint}`);
}

/** The error for a value that an option cannot have. */
export function badValue(flag: string, option: AnyOption, found: string): InferenceServerError {
  return new InferenceServerError(
    'INVALID_ARG',
    `option --${flag}: expected ${option.expected}, found '${found}'`,
  );
}
