import { join } from 'node:path';
import type { SecureContext } from 'node:tls';
import {
  didYouMean,
  InferenceServerError,
  readModelParameters,
  type ModelContext,
  type ParameterValuesOf,
} from '@nereid/backend-sdk';
import { checkEngineArguments, engineArgv, type EngineArguments } from './engine-arguments.ts';
import { EngineKey } from './engine-key.ts';
import { readEngineTls } from './engine-tls.ts';
import { ENGINE_PARAMETERS, readVllmSettings } from './engine-parameters.ts';
import { readJsonObject, type JsonFile } from './json-file.ts';
import { findInterpreter, readKnownArguments, type KnownArguments } from './known-arguments.ts';
import { adapterArgv, besideModel, readAdapters, wantsAdapters } from './lora-adapters.ts';
import { findPreset, PRESET_NAMES, type Preset } from './presets.ts';
import { warnOfUnread } from './unread-parameters.ts';

/** How much may run and wait. */
export interface AdmissionLimits {
  /** Requests at once, per engine. */
  readonly maxConcurrent: number;
  readonly maxQueueRequests: number;
  /** Estimated tokens of what waits; 0: no limit. */
  readonly maxQueueTokens: number;
}

/** What a model's configuration, its model.json and the backend's settings say about its engines. */
export interface EngineSettings {
  readonly preset: Preset;
  /** Engines elsewhere; empty: one of ours for each instance. */
  readonly urls: readonly URL[];
  /** The name by which engines elsewhere know the model; undefined: the first that they list. */
  readonly engineModel: string | undefined;
  /** LoRA name → path. */
  readonly adapters: ReadonlyMap<string, string>;
  /** What an engine of ours is told to serve: `model` of model.json; '' with engines elsewhere. */
  readonly model: string;
  /** The program that an engine of ours is, and its first arguments. */
  readonly program: readonly string[];
  /** The engine's arguments behind those that the preset gives it: without port and key. */
  readonly argv: readonly string[];
  /** What engines elsewhere are asked with. */
  readonly key: EngineKey | undefined;
  /** For engines elsewhere whose URL is one of https; undefined: Node's authorities, and no certificate of our own. */
  readonly tls: SecureContext | undefined;
  readonly limits: AdmissionLimits;
  /** The request parameter that says whose share a V2 request has; undefined: none does. */
  readonly clientKeyParameter: string | undefined;
  readonly startTimeoutMs: number;
  readonly healthIntervalMs: number;
  /** An engine of ours that does not answer for its health this long is started again. */
  readonly unhealthyRestartMs: number;
  /** Whether the engine's own metrics are shown on ours. */
  readonly reportsMetrics: boolean;
  /** Restarts in a row after which an engine is given up; 0: never. */
  readonly maxRestarts: number;
}

type Parameters = ParameterValuesOf<typeof ENGINE_PARAMETERS>;
type OwnEngine = Pick<EngineSettings, 'model' | 'program' | 'argv'>;

/** Requests at once that an engine is given beyond those it runs: it has the next one when a place is free. */
const AHEAD = 1.25;
const DEFAULT_CONCURRENT = 256;

/**
 * Reads and checks everything about a model's engines, before any is started.
 *
 * @throws InferenceServerError INVALID_ARG naming the model, the file or parameter, and all wrong engine arguments at once.
 */
export async function readEngineSettings(context: ModelContext): Promise<EngineSettings> {
  const parameters = readModelParameters(context.config, ENGINE_PARAMETERS);
  const preset = presetOf(context, parameters.engine);
  const file = await readJsonObject(context.modelName, join(context.versionDirectory, 'model.json'));
  const args = file?.value ?? {};
  const urls = readUrls(context, parameters.engine_url, file);
  const isElsewhere = urls.length > 0;
  warnOfUnread(context, isElsewhere);
  const adapters =
    isElsewhere || wantsAdapters(args)
      ? await readAdapters(context.modelName, context.versionDirectory)
      : new Map<string, string>();
  const own = isElsewhere
    ? { model: '', program: [], argv: [] }
    : await readOwnEngine({ context, parameters, preset, file, adapters });
  const { maxRestarts } = readVllmSettings(context);
  return {
    ...own,
    preset,
    urls,
    engineModel: parameters.engine_model,
    adapters,
    key: isElsewhere ? await readKey(context, parameters) : undefined,
    tls: isElsewhere ? await named(context, readEngineTls(parameters)) : undefined,
    limits: readLimits(parameters, preset.places === undefined ? undefined : args[preset.places]),
    clientKeyParameter: parameters.client_key_parameter,
    startTimeoutMs: parameters.start_timeout_seconds * 1000,
    healthIntervalMs: parameters.health_interval_seconds * 1000,
    unhealthyRestartMs: parameters.unhealthy_restart_seconds * 1000,
    reportsMetrics: isYes(parameters.REPORT_CUSTOM_METRICS),
    maxRestarts,
  };
}

/** What an engine of ours is started with. */
async function readOwnEngine(from: {
  readonly context: ModelContext;
  readonly parameters: Parameters;
  readonly preset: Preset;
  readonly file: JsonFile | undefined;
  readonly adapters: ReadonlyMap<string, string>;
}): Promise<OwnEngine> {
  const { context, parameters, preset, file, adapters } = from;
  const { modelName, versionDirectory } = context;
  if (preset.command === undefined || preset.program === undefined) {
    throw refused(modelName, `engine '${preset.name}' is not started by the server, give its 'engine_url'`);
  }
  if (file === undefined) {
    const found = `no model.json in '${versionDirectory}'`;
    throw refused(modelName, `expected model.json, or parameter 'engine_url', found ${found}`);
  }
  const { model, ...args } = file.value;
  if (typeof model !== 'string' || model === '') {
    throw file.fault("'model' must be the name or the path of a model", model ?? null);
  }
  const { python } = readVllmSettings(context);
  const isVllm = preset.name === 'vllm';
  const program = programOf(parameters.engine_command, isVllm ? python : undefined, preset.program);
  const known = isVllm ? await knownOf(context, python, program) : undefined;
  const faults = checkEngineArguments(args, known);
  if (faults.length > 0) throw file.fault(faults.join('; '));
  checkDevices(context, args);
  checkAdapters(context, preset, adapters);
  return {
    model: besideModel(versionDirectory, model),
    program,
    argv: [
      ...engineArgv(isVllm ? withOurName(args, modelName) : args, known, preset.style),
      ...adapterArgv(adapters),
    ],
  };
}

function programOf(command: string | undefined, python: string | undefined, own: string): readonly string[] {
  if (command !== undefined) return [command];
  return python === undefined ? [own] : [python, '-m', 'vllm.entrypoints.cli.main'];
}

async function knownOf(
  { logger }: ModelContext,
  python: string | undefined,
  [program = '']: readonly string[],
): Promise<KnownArguments> {
  return readKnownArguments(python ?? (await findInterpreter(program)), logger);
}

/** The model has our name in any case; further ones are the file's to give. */
function withOurName(args: EngineArguments, modelName: string): EngineArguments {
  const { served_model_name: given } = args;
  if (given === undefined || given === null) return args;
  const others = (Array.isArray(given) ? given : [given]).map(String).filter((name) => name !== modelName);
  return { ...args, served_model_name: [modelName, ...others] };
}

/** KIND_GPU is one device, as in Triton (LLM-10). */
function checkDevices({ modelName, config }: ModelContext, args: EngineArguments): void {
  if (!config.instance_group.some(({ kind }) => kind === 'KIND_GPU')) return;
  const sizes = [args['tensor_parallel_size'], args['pipeline_parallel_size']].map((size) =>
    Number(size ?? 1),
  );
  const devices = sizes.reduce((product, size) => product * size, 1);
  if (devices <= 1) return;
  throw refused(
    modelName,
    `KIND_GPU is currently for single GPU execution, expected tensor_parallel_size × pipeline_parallel_size of 1, found ${devices}; use KIND_MODEL`,
  );
}

/** Others would answer with the model itself: they take any name for it. */
function checkAdapters(
  { modelName }: ModelContext,
  { name, hasAdapters }: Preset,
  adapters: ReadonlyMap<string, string>,
): void {
  if (adapters.size === 0 || hasAdapters === true) return;
  throw refused(
    modelName,
    `the adapters of multi_lora.json are for engine 'vllm', expected none for '${name}', found ${[...adapters.keys()].join(', ')}`,
  );
}

function presetOf({ modelName }: ModelContext, name: string): Preset {
  const preset = findPreset(name);
  if (preset !== undefined) return preset;
  const hint = didYouMean(name, PRESET_NAMES);
  throw refused(
    modelName,
    `parameter 'engine': expected one of ${PRESET_NAMES.join(', ')}, found '${name}'${hint}`,
  );
}

/** From the configuration, or from model.json, which then has nothing to say to an engine of ours. */
function readUrls(
  { modelName }: ModelContext,
  parameter: string | undefined,
  file: JsonFile | undefined,
): readonly URL[] {
  const { engine_url: inFile, model: _, ...others } = file?.value ?? {};
  if (parameter === undefined && inFile === undefined) return [];
  if (file !== undefined && inFile !== undefined && Object.keys(others).length > 0) {
    throw file.fault(
      `with 'engine_url' only 'model' may be given, since no engine is started, found '${Object.keys(others).join("', '")}'`,
    );
  }
  return String(parameter ?? inFile)
    .split(',')
    .map((text) => parseUrl(modelName, text.trim()));
}

function parseUrl(modelName: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || hasMore(url)) {
    // What stands before an `@` may be a password, and a query may hold a key.
    const shown = text.replace(/\/\/[^/]*@/, '//***@').replace(/([?#]).*/, '$1***');
    throw refused(
      modelName,
      `'engine_url': expected http:// or https:// URLs without user, password and query, separated by commas, found '${shown}'`,
    );
  }
  // Documentation of engines gives the URL with the API's version; paths are ours to add.
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
  return url;
}

/** Whether it says what a base of paths can't have. */
function hasMore({ username, password, search, hash }: URL): boolean {
  return username !== '' || password !== '' || search !== '' || hash !== '';
}

async function readKey(
  context: ModelContext,
  { engine_key_file: file, engine_key_env: variable }: Parameters,
): Promise<EngineKey | undefined> {
  const source = file !== undefined ? { file } : variable !== undefined ? { variable } : undefined;
  if (source === undefined) return undefined;
  return named(context, EngineKey.read(source));
}

/** Has an error begin with the model's name. */
function named<T>({ modelName }: ModelContext, reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    throw refused(modelName, InferenceServerError.from(error).message);
  });
}

function readLimits(parameters: Parameters, places: unknown): AdmissionLimits {
  const usual = typeof places === 'number' && places >= 1 ? Math.ceil(places * AHEAD) : DEFAULT_CONCURRENT;
  return {
    maxConcurrent: parameters.max_concurrent_requests ?? usual,
    maxQueueRequests: parameters.max_queue_requests,
    maxQueueTokens: parameters.max_queue_tokens,
  };
}

function isYes(text: string): boolean {
  return ['yes', 'true', '1'].includes(text.toLowerCase());
}

function refused(modelName: string, what: string): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', `model '${modelName}': ${what}`);
}
