import { GRPCInferenceService } from '@nereid/protocol/gen';
import type { GrpcServices } from './grpc-services.ts';
import { messageFromJson } from './message-from-json.ts';
import { unaryRpc, type Rpc } from './rpc.ts';

/** ServerMetadata and ModelMetadata. */
export function metadataRpcs(services: GrpcServices): readonly Rpc[] {
  const { management } = services;
  const { serverMetadata, modelMetadata } = GRPCInferenceService.method;
  return [
    unaryRpc(services, serverMetadata, () =>
      messageFromJson(serverMetadata.output, management.serverMetadata()),
    ),
    unaryRpc(services, modelMetadata, ({ name, version }) =>
      messageFromJson(modelMetadata.output, management.modelMetadata(name, version)),
    ),
  ];
}
