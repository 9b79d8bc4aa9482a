import { GRPCInferenceService } from '@nereid/protocol/gen';
import type { GrpcServices } from './grpc-services.ts';
import { messageFromJson } from './message-from-json.ts';
import { unaryRpc, type Rpc } from './rpc.ts';

/** ModelStatistics: of one model version, of all versions of a model, or of all models. */
export function statisticsRpcs(services: GrpcServices): readonly Rpc[] {
  const { management } = services;
  const { modelStatistics } = GRPCInferenceService.method;
  return [
    unaryRpc(services, modelStatistics, ({ name, version }) =>
      messageFromJson(modelStatistics.output, { model_stats: management.statistics(name, version) }),
    ),
  ];
}
