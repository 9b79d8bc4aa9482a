/** Health and management, answered by the serving thread. */
import type { HealthService } from '../service/health-service.ts';
import type { ManagementService } from '../service/management-service.ts';
import type { FrontServices, ServiceCall } from './front-messages.ts';
import type { ServingLink } from './serving-link.ts';

/** How a method is asked for: `ask` where it answers at once, `call` where it answers with a promise. */
type Ways<Service> = Readonly<Record<keyof Service, 'ask' | 'call'>>;

const HEALTH: Ways<HealthService> = { live: 'ask', ready: 'ask', modelReady: 'call' };

const MANAGEMENT: Ways<ManagementService> = {
  serverMetadata: 'ask',
  modelMetadata: 'ask',
  modelConfig: 'ask',
  modelConfigJson: 'ask',
  repositoryIndex: 'call',
  loadModel: 'call',
  unloadModel: 'call',
  statistics: 'ask',
  logSettings: 'ask',
  updateLogSettings: 'ask',
  traceSettings: 'ask',
  updateTraceSettings: 'ask',
  systemSharedMemoryStatus: 'ask',
  registerSystemSharedMemory: 'ask',
  unregisterSystemSharedMemory: 'ask',
  cudaSharedMemoryStatus: 'ask',
  registerCudaSharedMemory: 'ask',
  unregisterCudaSharedMemory: 'ask',
};

export function createRemoteHealth(link: ServingLink): HealthService {
  return remote(link, HEALTH) as unknown as HealthService;
}

export function createRemoteManagement(link: ServingLink): ManagementService {
  return remote(link, MANAGEMENT) as unknown as ManagementService;
}

type Method = (...parameters: readonly unknown[]) => unknown;

/** A service whose methods all ask for the same method there. */
function remote<Service>(link: ServingLink, ways: Ways<Service>): Readonly<Record<string, Method>> {
  const methods = Object.entries<'ask' | 'call'>(ways).map(([method, way]): [keyof FrontServices, Method] => [
    method as keyof FrontServices,
    (...parameters) => link[way]({ method, parameters } as ServiceCall),
  ]);
  return Object.fromEntries(methods);
}
