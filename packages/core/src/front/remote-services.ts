/** Health and management, answered by the serving thread. */
import type { HealthService } from '../service/health-service.ts';
import type { ManagementService } from '../service/management-service.ts';
import type { FrontServices, ServiceCall } from './front-messages.ts';
import type { ServingLink } from './serving-link.ts';

/** The methods that answer with a promise; all others answer at once. */
const SLOW = new Set<keyof FrontServices>(['modelReady', 'repositoryIndex', 'loadModel', 'unloadModel']);

const HEALTH = ['live', 'ready', 'modelReady'] as const satisfies readonly (keyof HealthService)[];

const MANAGEMENT = [
  'serverMetadata',
  'modelMetadata',
  'modelConfig',
  'modelConfigJson',
  'repositoryIndex',
  'loadModel',
  'unloadModel',
  'statistics',
  'logSettings',
  'updateLogSettings',
  'traceSettings',
  'updateTraceSettings',
  'systemSharedMemoryStatus',
  'registerSystemSharedMemory',
  'unregisterSystemSharedMemory',
  'cudaSharedMemoryStatus',
  'registerCudaSharedMemory',
  'unregisterCudaSharedMemory',
] as const satisfies readonly (keyof ManagementService)[];

export function createRemoteHealth(link: ServingLink): HealthService {
  return remote<HealthService>(link, HEALTH);
}

export function createRemoteManagement(link: ServingLink): ManagementService {
  return remote<ManagementService>(link, MANAGEMENT);
}

/** A service whose methods all ask for the same method there. */
function remote<Service>(
  link: ServingLink,
  methods: readonly (keyof FrontServices & keyof Service)[],
): Service {
  const service: Partial<Record<keyof Service, unknown>> = {};
  for (const method of methods) {
    service[method] = (...parameters: readonly unknown[]): unknown => {
      const body = { method, parameters } as ServiceCall;
      return SLOW.has(method) ? link.call(body) : link.ask(body);
    };
  }
  return service as Service;
}
