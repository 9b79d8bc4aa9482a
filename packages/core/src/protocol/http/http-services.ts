import type { ServerResponse } from 'node:http';
import type { Logger } from '@nereid/backend-sdk';
import type { InferenceServerError } from '@nereid/protocol';
import type { HealthService } from '../../service/health-service.ts';
import type { InferenceService } from '../../service/inference-service.ts';
import type { ManagementService } from '../../service/management-service.ts';
import type { Tracer } from '../../telemetry/trace.ts';
import type { JsonThread } from './json-thread.ts';
import type { HttpRestriction } from './restriction.ts';

/** What the requests are answered with. */
export interface HttpServices {
  readonly inference: InferenceService;
  readonly management: ManagementService;
  readonly health: HealthService;
  readonly logger: Logger;
  readonly tracer: Pick<Tracer, 'isOn' | 'start'>;
}

/** Answers a request that comes to no handler. */
export type Refuse = (response: ServerResponse, error: InferenceServerError, status: number) => void;

/** Who may use a path, and how others are told. */
export interface RouteGuard {
  readonly restriction: HttpRestriction | undefined;
  /** undefined: as V2 does. */
  readonly refuse: Refuse | undefined;
}

/** A path that was added, for requests that it matches but whose method it does not take. */
export interface KnownPath extends RouteGuard {
  readonly pattern: RegExp;
}

/** What every plugin of the HTTP endpoint gets. */
export interface HttpContext extends HttpServices {
  /** Limit for JSON, decompressed and raw bodies, in bytes. */
  readonly maxInputSize: number;
  /** How long a client may take nothing of a streamed answer that waits, in milliseconds; 0: any time. */
  readonly streamTimeoutMs: number;
  readonly json: JsonThread;
  readonly restrictions: readonly HttpRestriction[];
  readonly headerForwardPattern: RegExp | undefined;
  /** Filled by the plugins. */
  readonly paths: KnownPath[];
}
