import { GRPCInferenceService } from '@nereid/protocol/gen';
import { modelConfigToMessage } from '@nereid/protocol/model-config';
import type { GrpcServices } from './grpc-services.ts';
import { unaryRpc, type Rpc } from './rpc.ts';

/** ModelConfig: the completed configuration. */
export function modelConfigRpcs(services: GrpcServices): readonly Rpc[] {
  const { management } = services;
  return [
    unaryRpc(services, GRPCInferenceService.method.modelConfig, ({ name, version }) => ({
      config: modelConfigToMessage(management.modelConfig(name, version)),
    })),
  ];
}
