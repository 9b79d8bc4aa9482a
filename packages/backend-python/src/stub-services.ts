import type { Logger, MetricFactory, ModelAccess } from '@nereid/backend-sdk';

/** What the server does for a process. */
export interface StubServices {
  readonly logger: Logger;
  readonly metrics: MetricFactory;
  readonly models: ModelAccess;
}
