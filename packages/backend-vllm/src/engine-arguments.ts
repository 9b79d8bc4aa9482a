import { didYouMean } from '@nereid/backend-sdk';
import { argumentWords, type ArgumentStyle } from './argument-style.ts';
import { argumentFault } from './argument-types.ts';
import type { KnownArguments } from './known-arguments.ts';

/** `model.json`: names as the engine's own arguments, in snake case. */
export type EngineArguments = Readonly<Record<string, unknown>>;

/** What the server decides itself: where the engine listens, and who may ask it. */
const OURS =
  /^(host|port|api_key|uds|root_path|ssl_.*|enable_ssl_refresh|headless|grpc|grpc_port|lora_modules)$/;
/** Arguments whose list is one JSON text. */
const JSON_LISTS = new Set(['allowed_origins', 'allowed_methods', 'allowed_headers']);
/** Gone from vLLM, but in the model.json of many: left out, or turned into what took its place. */
const REQUEST_LOG = 'disable_log_requests';

/**
 * What is wrong with arguments, all of it.
 *
 * @param known - undefined: this engine's are not known, and only those are refused that the server gives itself.
 */
export function checkEngineArguments(
  args: EngineArguments,
  known: KnownArguments | undefined,
): readonly string[] {
  return Object.entries(args).flatMap(([name, value]) => {
    // Engines whose arguments are not known take either spelling.
    const isOurs = OURS.test(name.replaceAll('-', '_'));
    const fault = isOurs ? 'is set by the server' : known && knownFault(name, value, known);
    return fault === undefined ? [] : [`engine argument '${name}' ${fault}`];
  });
}

function knownFault(name: string, value: unknown, { source, fields }: KnownArguments): string | undefined {
  const type = fields.get(name);
  if (type === undefined) {
    if (name === REQUEST_LOG) return undefined;
    return `is unknown to ${source}${didYouMean(name, fields.keys())}`;
  }
  return value === null ? undefined : argumentFault(type, value);
}

/** The command line for checked arguments: lists of words last, since what stands behind one would belong to it. */
export function engineArgv(
  args: EngineArguments,
  known: KnownArguments | undefined,
  style: ArgumentStyle,
): readonly string[] {
  const words: string[] = [];
  const lists: string[] = [];
  for (const [name, value] of Object.entries(renamed(args, known))) {
    const said = toSaid(name, value, known?.fields.get(name));
    if (said === undefined) continue;
    const argument = argumentWords(name, said, style);
    (argument.isOpen ? lists : words).push(...argument.words);
  }
  return [...words, ...lists];
}

/** What is said of an argument; undefined: nothing. */
function toSaid(name: string, value: unknown, type: string | undefined): unknown {
  const logical = type === undefined ? value : toLogical(type, value);
  if (logical === null) return undefined;
  // `bool | str` has no negative form: to leave it out is one.
  if (logical === false && type?.includes('str') === true) return undefined;
  return Array.isArray(logical) && !isScalarList(name, logical) ? JSON.stringify(logical) : logical;
}

/** Triton's examples have flags in quotes. */
function toLogical(type: string, value: unknown): unknown {
  if (!/^bool\b/.test(type) || typeof value !== 'string') return value;
  const text = value.toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : value;
}

function renamed(args: EngineArguments, known: KnownArguments | undefined): EngineArguments {
  if (known === undefined || known.fields.has(REQUEST_LOG) || !(REQUEST_LOG in args)) return args;
  const { [REQUEST_LOG]: isDisabled, ...others } = args;
  return isDisabled === false ? { ...others, enable_log_requests: true } : others;
}

function isScalarList(name: string, value: readonly unknown[]): boolean {
  return value.length > 0 && !JSON_LISTS.has(name) && value.every((item) => typeof item !== 'object');
}
