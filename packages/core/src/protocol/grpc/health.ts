/** ServerLive, ServerReady, ModelReady, and the standard health service `grpc.health.v1`. */
import { InferenceServerError } from '@nereid/protocol';
import { GRPCInferenceService, Health, HealthCheckResponse_ServingStatus } from '@nereid/protocol/gen';
import type { HealthService } from '../../service/health-service.ts';
import type { StreamCall } from './call.ts';
import { toGrpcStatus } from './error-handler.ts';
import type { GrpcServices } from './grpc-services.ts';
import type { OpenStream, OpenStreams } from './open-streams.ts';
import { encodeMessage, unaryRpc, type Rpc } from './rpc.ts';

/** Where streams of `Watch` are kept, and how often they look. */
export interface WatchContext {
  readonly openStreams: OpenStreams;
  /** Milliseconds. */
  readonly watchInterval: number;
}

export function healthRpcs(services: GrpcServices, context: WatchContext): readonly Rpc[] {
  const { health } = services;
  const { serverLive, serverReady, modelReady } = GRPCInferenceService.method;
  return [
    unaryRpc(services, serverLive, () => ({ live: health.live() })),
    unaryRpc(services, serverReady, () => ({ ready: health.ready() })),
    unaryRpc(services, modelReady, async ({ name, version }) => ({
      ready: await health.modelReady(name, version),
    })),
    // The service name of the request is not looked at, as in Triton.
    unaryRpc(services, Health.method.check, () => ({ status: servingStatus(health) })),
    {
      service: Health.typeName,
      method: 'Watch',
      kind: 'serverStream',
      handler: (call) => {
        watch(call, services, context);
      },
    },
  ];
}

function servingStatus(health: HealthService): HealthCheckResponse_ServingStatus {
  const { SERVING, NOT_SERVING } = HealthCheckResponse_ServingStatus;
  try {
    return health.ready() ? SERVING : NOT_SERVING;
  } catch {
    // The server is shutting down.
    return NOT_SERVING;
  }
}

/** Sends the status at once, and again whenever it has changed. */
function watch(call: StreamCall, services: GrpcServices, context: WatchContext): void {
  let last: HealthCheckResponse_ServingStatus | undefined;
  const look = (): void => {
    const status = servingStatus(services.health);
    if (status === last) return;
    last = status;
    call.write(encodeMessage(Health.method.check.output, { status }));
  };
  const timer = setInterval(look, context.watchInterval).unref();
  const stream: OpenStream = {
    shutDown: () => {
      const error = new InferenceServerError('UNAVAILABLE', 'the server is shutting down');
      call.fail(toGrpcStatus(error, services.logger));
    },
  };
  context.openStreams.add(stream);
  call.onClose(() => {
    clearInterval(timer);
    context.openStreams.delete(stream);
  });
  look();
}
