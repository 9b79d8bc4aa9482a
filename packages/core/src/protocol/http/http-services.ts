import type { Logger } from '@nereid/backend-sdk';
import type { HealthService } from '../../service/health-service.ts';
import type { InferenceService } from '../../service/inference-service.ts';
import type { ManagementService } from '../../service/management-service.ts';
import type { Tracer } from '../../telemetry/trace.ts';
import type { JsonThread } from './json-thread.ts';
import type { HttpRestriction } from './restriction.ts';
import type { RouteTable } from './route-table.ts';

/** What the requests are answered with. */
export interface HttpServices {
  readonly inference: InferenceService;
  readonly management: ManagementService;
  readonly health: HealthService;
  readonly logger: Logger;
  readonly tracer: Pick<Tracer, 'isOn' | 'start'>;
}

/** What every part of the HTTP endpoint gets. */
export interface HttpContext extends HttpServices {
  /** Limit for JSON, decompressed and raw bodies, in bytes. */
  readonly maxInputSize: number;
  /** How long a client may take nothing of a streamed answer that waits, in milliseconds; 0: any time. */
  readonly streamTimeoutMs: number;
  readonly json: JsonThread;
  readonly restrictions: readonly HttpRestriction[];
  readonly headerForwardPattern: RegExp | undefined;
  /** Filled by the parts of the endpoint. */
  readonly table: RouteTable;
}
