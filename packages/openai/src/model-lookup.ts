/** Which model, and which of its adapters, a name stands for. */
import type { HttpPluginContext, PluginModel } from '@nereid/backend-sdk/http';
import { InferenceServerError } from '@nereid/protocol';
import { refusal } from './openai-error.ts';

/** A model as a request names it. */
export interface NamedModel {
  readonly model: PluginModel;
  /** A LoRA adapter of the model, when it was named too. */
  readonly lora: string | undefined;
}

/** Names of a model's LoRA adapters, as its backend says. */
export function adaptersOf({ config }: PluginModel): readonly string[] {
  const names = config.parameters['openai_adapters']?.string_value ?? '';
  return names === '' ? [] : names.split(',');
}

/**
 * Finds a model by its name, or a model and its adapter by both with the separator between them.
 *
 * @throws InferenceServerError NOT_FOUND for an unknown model or adapter, UNAVAILABLE for a model that is not ready.
 */
export function findModel(
  context: Pick<HttpPluginContext, 'getModel'>,
  name: string,
  separator: string,
): NamedModel {
  try {
    return { model: context.getModel(name), lora: undefined };
  } catch (reason) {
    const error = InferenceServerError.from(reason);
    const at = separator === '' ? -1 : name.lastIndexOf(separator);
    // One that is there and not ready has this very name.
    if (at <= 0 || error.code === 'UNAVAILABLE') throw asModelError(error);
    return findAdapter(context, name.slice(0, at), name.slice(at + separator.length));
  }
}

function findAdapter(context: Pick<HttpPluginContext, 'getModel'>, name: string, lora: string): NamedModel {
  let model: PluginModel;
  try {
    model = context.getModel(name);
  } catch (reason) {
    throw asModelError(InferenceServerError.from(reason));
  }
  const adapters = adaptersOf(model);
  if (adapters.includes(lora)) return { model, lora };
  const known = adapters.length === 0 ? 'it has none' : `it has ${adapters.join(', ')}`;
  throw unknownModel(`model '${name}' has no LoRA adapter '${lora}': ${known}`);
}

function asModelError(error: InferenceServerError): InferenceServerError {
  return error.code === 'NOT_FOUND' ? unknownModel(error.message) : error;
}

function unknownModel(message: string): InferenceServerError {
  return refusal(message, { status: 404, param: 'model', code: 'model_not_found' });
}
