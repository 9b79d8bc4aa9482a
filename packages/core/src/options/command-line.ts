import { InferenceServerError } from '@nereid/protocol';
import { nearestName } from '@nereid/protocol/model-config';
import { isSwitchValue } from './option-spec.ts';
import {
  badValue,
  findOption,
  flagOf,
  keyOf,
  OPTIONS,
  unknownOption,
  type AnyOption,
  type ServerOptions,
} from './option-table.ts';

/** What a command line asks for. */
export interface CommandLine {
  /** Whether the usage text was asked for; the rest then says nothing. */
  readonly help: boolean;
  readonly options: ServerOptions;
  /** A line each for what is deprecated. */
  readonly warnings: readonly string[];
  /** Flags that were given but have no effect yet. */
  readonly unsupportedOptions: readonly string[];
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A flag of old that stands for another one. */
export interface OldFlag {
  readonly isSwitch?: boolean;
  readonly isDeprecated: boolean;
  /** The flag and value to use instead. */
  readonly instead: (value: string) => readonly [string, string];
}

/** Flags of old by name. */
export const OLD_FLAGS: ReadonlyMap<string, OldFlag> = new Map<string, OldFlag>([
  ['model-store', { isDeprecated: false, instead: (path) => ['model-repository', path] }],
  [
    'strict-model-config',
    { isSwitch: true, isDeprecated: true, instead: (on) => ['disable-auto-complete-config', on] },
  ],
  [
    'response-cache-byte-size',
    { isDeprecated: true, instead: (bytes) => ['cache-config', `local,size=${bytes}`] },
  ],
  ['trace-file', { isDeprecated: true, instead: (path) => ['trace-config', `triton,file=${path}`] }],
  ['trace-level', { isDeprecated: true, instead: (name) => ['trace-config', `level=${name}`] }],
  ['trace-rate', { isDeprecated: true, instead: (rate) => ['trace-config', `rate=${rate}`] }],
  ['trace-count', { isDeprecated: true, instead: (count) => ['trace-config', `count=${count}`] }],
  [
    'trace-log-frequency',
    { isDeprecated: true, instead: (n) => ['trace-config', `triton,log-frequency=${n}`] },
  ],
]);

/** A flag as it was given. */
interface GivenFlag {
  readonly flag: string;
  readonly value: string;
}

/**
 * Reads tritonserver's flags, and those of this server: `--name=value` or `--name value`; a switch alone is true. What is no
 * flag is a model repository.
 *
 * @param argv - Without the program.
 * @throws InferenceServerError INVALID_ARG naming the option, what was expected and found.
 */
export function parseCommandLine(
  argv: readonly string[],
  environment: Environment = process.env,
): CommandLine {
  if (argv.some((argument) => argument === '--help' || argument === '-h')) {
    return { help: true, options: { modelRepository: [] }, warnings: [], unsupportedOptions: [] };
  }
  const given = splitFlags(argv);
  const flags = new Set(given.map(({ flag }) => flag));
  if (flags.has('response-cache-byte-size') && flags.has('cache-config')) {
    throw new InferenceServerError(
      'INVALID_ARG',
      'option --response-cache-byte-size cannot be mixed with --cache-config',
    );
  }
  const { values, warnings } = readFlags(given);
  const vertex =
    environment['AIP_MODE'] === 'PREDICTION' && !values.has('allowVertexAi') ? ['allow-vertex-ai'] : [];
  return {
    help: false,
    options: toServerOptions(values, environment),
    warnings,
    unsupportedOptions: [...unsupportedIn(values), ...vertex],
  };
}

/** Joins names and values: a flag takes the next argument as its value unless it is a switch and that is no value of one. */
function splitFlags(argv: readonly string[]): readonly GivenFlag[] {
  const given: GivenFlag[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(argument);
    if (match === null) {
      if (!argument.startsWith('-')) {
        given.push({ flag: 'model-repository', value: argument });
        continue;
      }
      throw new InferenceServerError(
        'INVALID_ARG',
        `unexpected argument '${argument}': options begin with --`,
      );
    }
    const [, flag = '', attached] = match;
    const isSwitch = assertFlag(flag);
    const next = argv[i + 1];
    if (attached !== undefined) given.push({ flag, value: attached });
    else if (isSwitch && (next === undefined || !isSwitchValue(next))) given.push({ flag, value: 'true' });
    else if (next === undefined)
      throw new InferenceServerError('INVALID_ARG', `option --${flag} needs a value`);
    else {
      given.push({ flag, value: next });
      i += 1;
    }
  }
  return given;
}

/** @returns Whether the flag may stand without a value. */
function assertFlag(flag: string): boolean {
  const old = OLD_FLAGS.get(flag);
  if (old !== undefined) return old.isSwitch ?? false;
  const key = keyOf(flag);
  const option = flagOf(key) === flag ? findOption(key) : undefined;
  if (option !== undefined) return option.isSwitch;
  const flags = [...Object.keys(OPTIONS).map(flagOf), ...OLD_FLAGS.keys(), 'help'];
  const nearest = nearestName(flag, flags);
  throw unknownOption(`--${flag}`, nearest === undefined ? undefined : `--${nearest}`);
}

function readFlags(given: readonly GivenFlag[]): {
  values: Map<string, unknown>;
  warnings: readonly string[];
} {
  const values = new Map<string, unknown>();
  const warnings: string[] = [];
  for (const { flag, value } of given) {
    const old = OLD_FLAGS.get(flag);
    const [newFlag, newValue] = old === undefined ? [flag, value] : old.instead(value);
    if (old?.isDeprecated === true) warnings.push(`--${flag} is deprecated, use --${newFlag}=${newValue}`);
    const key = keyOf(newFlag);
    const option = findOption(key);
    if (option !== undefined) values.set(key, parseValue(flag, option, newValue, values.get(key)));
  }
  return { values, warnings };
}

function parseValue(flag: string, option: AnyOption, value: string, before: unknown): unknown {
  const parsed = option.parse(value, before);
  if (parsed === undefined || !option.isValid(parsed)) throw badValue(flag, option, value);
  return parsed;
}

/** Vertex AI says in the environment where the models are. */
function toServerOptions(values: ReadonlyMap<string, unknown>, environment: Environment): ServerOptions {
  const vertexStorage = environment['AIP_STORAGE_URI'] ?? '';
  const options: Readonly<Record<string, unknown>> = {
    modelRepository: vertexStorage === '' ? [] : [vertexStorage],
    ...Object.fromEntries(values),
  };
  if (isServerOptions(options)) return options;
  throw new InferenceServerError('INTERNAL', 'a value of the command line is not what its check said');
}

function isServerOptions(options: Readonly<Record<string, unknown>>): options is ServerOptions {
  return Object.entries(options).every(([key, value]) => findOption(key)?.isValid(value) === true);
}

function unsupportedIn(values: ReadonlyMap<string, unknown>): readonly string[] {
  return [...values].flatMap(([key, value]) => {
    const option = findOption(key);
    return option?.unsupported === true && value !== option.default ? [flagOf(key)] : [];
  });
}
