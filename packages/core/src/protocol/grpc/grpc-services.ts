import type { Logger } from '@nereid/backend-sdk';
import type { HealthService } from '../../service/health-service.ts';
import type { InferenceService } from '../../service/inference-service.ts';
import type { ManagementService } from '../../service/management-service.ts';
import type { Tracer } from '../../telemetry/trace.ts';

/** What the calls are answered with. */
export interface GrpcServices {
  readonly inference: InferenceService;
  readonly management: ManagementService;
  readonly health: HealthService;
  readonly logger: Logger;
  readonly tracer: Pick<Tracer, 'isOn' | 'start'>;
}
