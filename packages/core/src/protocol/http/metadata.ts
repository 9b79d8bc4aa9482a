import type { FastifyInstance } from 'fastify';
import type { HttpContext } from './http-services.ts';
import { addRoute, jsonHandler, modelPaths } from './route.ts';

/** What the server is, and what a model takes and gives. */
export function metadata(app: FastifyInstance, context: HttpContext): void {
  const { management } = context;
  addRoute(app, context, {
    path: '/v2',
    api: 'metadata',
    get: jsonHandler(context, () => management.serverMetadata()),
  });
  const get = jsonHandler(context, ({ params: { model = '', version = '' } }) =>
    management.modelMetadata(model, version),
  );
  for (const path of modelPaths('')) addRoute(app, context, { path, api: 'metadata', get });
}
