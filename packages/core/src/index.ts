/**
 * The Nereid server, to embed: {@link createServer} loads models in this process; `listen` opens the ports.
 *
 * @module
 */
export { createServer } from './create-server.ts';
export type { ServerOptions } from './options.ts';
export type { InProcessRequest, Server, ServerPorts } from './server.ts';
export type { InferenceResponse } from './response/inference-response.ts';
export type { HealthService } from './service/health-service.ts';
export type { InferenceService, PendingInference, ServedModel } from './service/inference-service.ts';
export type { LoadParameters, ManagementService } from './service/management-service.ts';
export { SERVER_VERSION } from './version.ts';
