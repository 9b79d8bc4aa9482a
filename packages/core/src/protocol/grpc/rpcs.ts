/** All calls of the gRPC endpoint. Loaded after the port is open: their descriptors take longer than the port. */
import type { GrpcOptions } from './grpc-options.ts';
import type { GrpcServices } from './grpc-services.ts';
import { healthRpcs } from './health.ts';
import { inferRpc } from './infer.ts';
import { loggingRpcs } from './logging.ts';
import { metadataRpcs } from './metadata.ts';
import { modelConfigRpcs } from './model-config.ts';
import type { OpenStreams } from './open-streams.ts';
import { reflectionRpcs } from './reflection.ts';
import { repositoryRpcs } from './repository.ts';
import { restrict } from './restriction.ts';
import type { Rpc } from './rpc.ts';
import { sharedMemoryRpcs } from './shared-memory.ts';
import { statisticsRpcs } from './statistics.ts';
import { streamInferRpc } from './stream-infer.ts';
import { traceRpcs } from './trace.ts';

const WATCH_INTERVAL = 1000;

/** The RPCs, each with the restrictions that hold for it. */
export function createRpcs(
  services: GrpcServices,
  options: GrpcOptions,
  openStreams: OpenStreams,
): readonly Rpc[] {
  const headerPattern = options.headerForwardPattern;
  const rpcs = [
    ...healthRpcs(services, { openStreams, watchInterval: options.watchInterval ?? WATCH_INTERVAL }),
    ...metadataRpcs(services),
    ...modelConfigRpcs(services),
    ...repositoryRpcs(services),
    ...statisticsRpcs(services),
    ...sharedMemoryRpcs(services),
    ...traceRpcs(services),
    ...loggingRpcs(services),
    ...reflectionRpcs(services),
    inferRpc(services, headerPattern),
    streamInferRpc({ services, headerPattern, openStreams, streamTimeoutMs: options.streamTimeoutMs }),
  ];
  return rpcs.map((rpc) => restrict(rpc, options.restrictions));
}
