import {
  InferenceServerError,
  readModelParameters,
  type BackendModel,
  type ModelConfig,
  type ModelContext,
} from '@nereid/backend-sdk';
import { openEngines, type ModelEngines } from './engine-pool.ts';
import { readEngineSettings, type EngineSettings } from './engine-settings.ts';
import { resolveLora } from './lora-names.ts';
import { completeModelConfig } from './model-io.ts';
import { StreamMetrics } from './stream-metrics.ts';
import type { TextModel } from './text-request.ts';
import { TokenTexts } from './token-texts.ts';
import { VllmInstance } from './vllm-instance.ts';

/** The parameter by which the OpenAI endpoints learn of adapters: their names, separated by commas. */
const ADAPTERS_PARAMETER = 'openai_adapters';

/** What model.json makes of `"trust_request_chat_template": true`. */
const TRUSTS_TEMPLATES = '--trust-request-chat-template';

/**
 * A model version on engines that speak OpenAI's API.
 *
 * @throws InferenceServerError INVALID_ARG for what the configuration or model.json says wrong.
 */
export async function createVllmModel(context: ModelContext): Promise<BackendModel> {
  const settings = await readEngineSettings(context);
  const model = createTextModel(context.config, settings);
  const { modelName, modelVersion } = context;
  const metrics = new StreamMetrics(context.metrics, { model: modelName, version: modelVersion });
  // Not before the first instance: a model that is only looked at, or refused, has no engine.
  let opening: Promise<ModelEngines> | undefined;
  return {
    completeConfig: (config) => ({
      ...completeModelConfig(config),
      parameters: withAdapters(config, settings),
    }),

    async createInstance(instance) {
      opening ??= openEngines(context, settings);
      const pool = await opening;
      const close = settings.urls.length > 0 ? () => Promise.resolve() : await pool.addOwnEngine(instance);
      return new VllmInstance({ pool, metrics, model, close });
    },

    async close() {
      // One that could not be opened has failed the load already.
      const pool = await opening?.catch(() => undefined);
      await pool?.close();
    },
  };
}

function createTextModel(
  config: ModelConfig,
  { preset, adapters, argv, clientKeyParameter }: EngineSettings,
): TextModel {
  const { ignore_parameters: pattern } = readModelParameters(config, {
    ignore_parameters: { type: 'string' },
  });
  return {
    preset,
    clientKeyParameter,
    ignoredParameters: pattern === undefined ? undefined : parsePattern(config, pattern),
    trustsTemplates: argv.includes(TRUSTS_TEMPLATES),
    texts: new TokenTexts(),
    resolveLora: (name) => resolveLora(name, adapters),
  };
}

function parsePattern({ name }: ModelConfig, pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u');
  } catch (cause) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `model '${name}', parameter 'ignore_parameters': expected a regular expression, found '${pattern}'`,
      { cause },
    );
  }
}

function withAdapters({ parameters }: ModelConfig, { adapters }: EngineSettings): ModelConfig['parameters'] {
  if (adapters.size === 0) return parameters;
  return { ...parameters, [ADAPTERS_PARAMETER]: { string_value: [...adapters.keys()].join(',') } };
}
