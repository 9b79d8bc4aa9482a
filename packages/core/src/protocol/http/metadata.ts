import type { HttpContext } from './http-services.ts';
import { jsonHandler, modelPaths } from './route.ts';

/** What the server is, and what a model takes and gives. */
export function metadata(context: HttpContext): void {
  const { management } = context;
  context.table.add({
    path: '/v2',
    api: 'metadata',
    get: jsonHandler(context, () => management.serverMetadata()),
  });
  const get = jsonHandler(context, ({ params: { model = '', version = '' } }) =>
    management.modelMetadata(model, version),
  );
  for (const path of modelPaths('')) context.table.add({ path, api: 'metadata', get });
}
