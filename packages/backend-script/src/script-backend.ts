/**
 * Models written in TypeScript or JavaScript: `model.ts` in the version folder, executed on the serving thread. See
 * docs/user-guide/script-backend.md.
 */
import { basename, relative } from 'node:path';
import {
  defineBackend,
  InferenceServerError,
  type Backend,
  type BackendModel,
  type ConfigCompletion,
  type InstanceContext,
  type ModelConfig,
  type ModelContext as BackendModelContext,
} from '@nereid/backend-sdk';
import type { ModelDefinition, ModelInstanceMethods } from './define-model.ts';
import { createModelContext, type ModelContext } from './model-context.ts';
import { DEFAULT_FILENAME, findModelFile } from './model-file.ts';
import { ModelModules } from './model-modules.ts';
import { toScriptError } from './script-error.ts';
import { ScriptInstance } from './script-instance.ts';

/** @param apiUrl - Module that models get for `@nereid/backend-script`. */
export function createScriptBackend(apiUrl: string): Backend {
  // Several servers in one process share the hooks of the module loader.
  let modules: ModelModules | undefined;
  let users = 0;
  return defineBackend({
    name: 'script',
    instanceHost: 'in-process',
    defaultModelFilename: DEFAULT_FILENAME,
    settings: {},
    start() {
      users += 1;
      modules ??= new ModelModules(apiUrl);
    },
    async createModel(context) {
      const path = findModelFile(context);
      const definition = await guard(context, async () =>
        assertDefinition(await modules?.import(path), basename(path)),
      );
      return createModel(
        definition,
        context,
        `${context.modelName}/${relative(context.modelDirectory, path)}`,
      );
    },
    stop() {
      users -= 1;
      if (users > 0) return;
      modules?.close();
      modules = undefined;
    },
  });
}

/** @param file - The model's file, as errors name it. */
function createModel(definition: ModelDefinition, context: BackendModelContext, file: string): BackendModel {
  const { config: said } = definition;
  return {
    ...(said !== undefined && {
      completeConfig: (config) => guard(context, () => complete(config, said, file)),
    }),
    createInstance: (instance) =>
      guard(context, async () => {
        const own = modelContext(context, instance);
        const methods = (await definition.load?.(own)) ?? definition;
        assertMethods(methods, context.modelName);
        return new ScriptInstance({ methods, context: own, onError: (error) => reportError(error, context) });
      }),
  };
}

async function complete(
  config: ModelConfig,
  said: NonNullable<ModelDefinition['config']>,
  file: string,
): Promise<ConfigCompletion> {
  const part = typeof said === 'function' ? await said(config) : said;
  // Knows the whole of the configuration's format, which a server without such a model need not read at its start.
  const { completeConfig } = await import('./complete-config.ts');
  return completeConfig(config, part, file);
}

function modelContext(
  context: BackendModelContext,
  { config, instanceName, kind }: InstanceContext,
): ModelContext {
  const { modelName, modelVersion, modelDirectory, versionDirectory, logger, metrics } = context;
  const parameters = Object.fromEntries(
    Object.entries(config.parameters).map(([name, { string_value: value }]) => [name, value]),
  );
  const facts = {
    modelName,
    modelVersion,
    instanceName,
    instanceKind: kind,
    modelDirectory,
    versionDirectory,
    config,
    parameters,
    logger,
    metrics,
  };
  return createModelContext(facts, context.models);
}

/** What a model's code throws while it is loaded; the server logs it. */
async function guard<T>({ modelDirectory }: BackendModelContext, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toScriptError(error, modelDirectory);
  }
}

/** What a model's code throws while it executes: the stack goes to the log. */
function reportError(thrown: unknown, context: BackendModelContext): InferenceServerError {
  const error = toScriptError(thrown, context.modelDirectory);
  if (error !== thrown) {
    const { modelName: model, modelVersion: version } = context;
    context.logger.error(`model '${model}': ${error.message}`, { model, version, cause: thrown });
  }
  return error;
}

function assertDefinition(exports: unknown, file: string): ModelDefinition {
  const definition: unknown =
    typeof exports === 'object' && exports !== null && 'default' in exports ? exports.default : undefined;
  if (isDefinition(definition)) return definition;
  throw new InferenceServerError(
    'INVALID_ARG',
    `${file}: expected a default export with execute, executeBatch or load, found ${
      definition === undefined ? 'no default export' : typeof definition
    }`,
  );
}

function isDefinition(value: unknown): value is ModelDefinition {
  if (typeof value !== 'object' || value === null) return false;
  return ['execute', 'executeBatch', 'load'].some(
    (method) => method in value && typeof Reflect.get(value, method) === 'function',
  );
}

function assertMethods({ execute, executeBatch }: ModelInstanceMethods, modelName: string): void {
  if (execute !== undefined || executeBatch !== undefined) return;
  throw new InferenceServerError(
    'INVALID_ARG',
    `model '${modelName}': expected load to return an object with execute or executeBatch`,
  );
}
