/** `GET /v1/models`, `GET /v1/models/{id}`, and loading and unloading. */
import type { HttpAnswer, HttpPluginContext, PluginModel, PluginRequest } from '@nereid/backend-sdk/http';
import { sendJsonText } from './answer.ts';
import { adaptersOf, findModel } from './model-lookup.ts';

/** What the paths below `/v1/models` need. */
export interface ModelsOptions {
  /** Between the names of a model and of its adapter. */
  readonly loraSeparator: string;
  /** Seconds since the epoch: the server does not know when a model was made. */
  readonly created: number;
}

type Handler = (request: PluginRequest, response: HttpAnswer) => Promise<void>;

/** The handlers of the paths below `/v1/models`. */
export function modelHandlers(
  context: Pick<HttpPluginContext, 'readyModels' | 'getModel' | 'load' | 'unload'>,
  { loraSeparator, created }: ModelsOptions,
): Readonly<Record<'list' | 'get' | 'load' | 'unload', Handler>> {
  const describe = (id: string): object => ({ id, object: 'model', created, owned_by: 'nereid' });
  const send = (response: HttpAnswer, value: unknown): void => sendJsonText(response, JSON.stringify(value));
  const namesOf = (model: PluginModel): readonly string[] => [
    model.name,
    ...(loraSeparator === ''
      ? []
      : adaptersOf(model).map((adapter) => `${model.name}${loraSeparator}${adapter}`)),
  ];
  return {
    list: async (_, response) => {
      const models = await context.readyModels();
      send(response, { object: 'list', data: models.flatMap(namesOf).map(describe) });
    },
    get: async ({ params }, response) => {
      const id = params['id'] ?? '';
      findModel(context, id, loraSeparator);
      send(response, describe(id));
    },
    load: async ({ params }, response) => {
      const id = params['id'] ?? '';
      await context.load(id);
      send(response, describe(id));
    },
    unload: async ({ params }, response) => {
      const id = params['id'] ?? '';
      await context.unload(id);
      send(response, { id, object: 'model', unloaded: true });
    },
  };
}
