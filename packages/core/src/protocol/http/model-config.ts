import type { HttpContext } from './http-services.ts';
import { jsonHandler, modelPaths } from './route.ts';

/** The completed configuration of a model. */
export function modelConfig(context: HttpContext): void {
  const get = jsonHandler(context, ({ params: { model = '', version = '' } }) =>
    context.management.modelConfigJson(model, version),
  );
  for (const path of modelPaths('/config')) context.table.add({ path, api: 'model-config', get });
}
