import type { FastifyInstance } from 'fastify';
import type { HttpContext } from './http-services.ts';
import { addRoute, jsonHandler, modelPaths } from './route.ts';

/** The completed configuration of a model. */
export function modelConfig(app: FastifyInstance, context: HttpContext): void {
  const get = jsonHandler(context, ({ params: { model = '', version = '' } }) =>
    context.management.modelConfigJson(model, version),
  );
  for (const path of modelPaths('/config')) addRoute(app, context, { path, api: 'model-config', get });
}
