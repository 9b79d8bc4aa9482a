import type { Endpoint, Exchange } from './exchange.ts';
import { refusal } from './openai-error.ts';
import { relay } from './relay.ts';

/**
 * Asks the model in the way that it wants to be asked.
 *
 * @throws InferenceServerError INVALID_ARG when it does not serve the endpoint, or not what the body wants.
 */
export function ask({ path, api, askMapped }: Endpoint, exchange: Exchange): void {
  if (exchange.api.kind === 'none') throw exchange.api.error;
  const parameters = { ...exchange.parameters, openai_path: path };
  if (exchange.api.kind === 'relay') {
    relay({ ...exchange, parameters });
    return;
  }
  const { mapping } = exchange.api;
  if (!mapping.apis.includes(api)) {
    const served = mapping.apis.join(', ');
    throw refusal(
      `model '${exchange.model.name}' does not serve ${path}: its parameter 'openai_api' is '${served}'`,
      { param: 'model' },
    );
  }
  askMapped({ ...exchange, parameters }, mapping);
}
