import type { Logger, MemorySharing, MetricFactory, ModelAccess } from '@nereid/backend-sdk';
import type { Allocate } from './shared-memory-files.ts';

/** What the server does for a process. */
export interface StubServices {
  readonly logger: Logger;
  readonly metrics: MetricFactory;
  readonly models: ModelAccess;
  readonly allocate: Allocate;
  /** undefined: tensors are copied between the two. */
  shareMemory(): MemorySharing | undefined;
}
