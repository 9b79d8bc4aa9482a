import type { ModelStatisticsJson } from '@nereid/protocol/http';
import type { HttpContext } from './http-services.ts';
import { jsonHandler, modelPaths } from './route.ts';

/** Statistics of all models, of one, or of one version. */
export function statistics(context: HttpContext): void {
  const get = jsonHandler(context, ({ params: { model = '', version = '' } }): ModelStatisticsJson => ({
    model_stats: context.management.statistics(model, version),
  }));
  for (const path of ['/v2/models/stats', ...modelPaths('/stats')]) {
    context.table.add({ path, api: 'statistics', get });
  }
}
