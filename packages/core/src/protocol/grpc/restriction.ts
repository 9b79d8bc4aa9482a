/** Protocols that only callers with a key may use (`--grpc-restricted-protocol`). */
import { grpcStatusOf } from '@nereid/protocol/grpc';
import type { GRPCInferenceService, Health } from '@nereid/protocol/gen';
import type { CallMetadata, StreamCall, UnaryCall } from './call.ts';
import type { GrpcStatus } from './error-handler.ts';
import type { Rpc } from './rpc.ts';

/** The groups of calls that can be restricted. */
export type ProtocolGroup =
  | 'health'
  | 'metadata'
  | 'inference'
  | 'shared-memory'
  | 'model-config'
  | 'model-repository'
  | 'statistics'
  | 'trace'
  | 'logging';

/** Calls of these groups must carry the metadata `triton-grpc-protocol-<key>` with exactly this value. */
export interface GrpcRestriction {
  readonly groups: readonly string[];
  readonly key: string;
  readonly value: string;
}

type RpcMethod = Capitalize<keyof typeof GRPCInferenceService.method | keyof typeof Health.method | 'watch'>;

const GROUPS: Readonly<Record<RpcMethod, ProtocolGroup>> = {
  ServerLive: 'health',
  ServerReady: 'health',
  ModelReady: 'health',
  Check: 'health',
  Watch: 'health',
  ServerMetadata: 'metadata',
  ModelMetadata: 'metadata',
  ModelInfer: 'inference',
  ModelStreamInfer: 'inference',
  ModelConfig: 'model-config',
  ModelStatistics: 'statistics',
  RepositoryIndex: 'model-repository',
  RepositoryModelLoad: 'model-repository',
  RepositoryModelUnload: 'model-repository',
  SystemSharedMemoryStatus: 'shared-memory',
  SystemSharedMemoryRegister: 'shared-memory',
  SystemSharedMemoryUnregister: 'shared-memory',
  CudaSharedMemoryStatus: 'shared-memory',
  CudaSharedMemoryRegister: 'shared-memory',
  CudaSharedMemoryUnregister: 'shared-memory',
  TraceSetting: 'trace',
  LogSettings: 'logging',
};

/** The same RPC behind the restriction of its group; itself when its group has none. */
export function restrict(rpc: Rpc, restrictions: readonly GrpcRestriction[]): Rpc {
  const group: string | undefined = new Map<string, ProtocolGroup>(Object.entries(GROUPS)).get(rpc.method);
  const restriction = restrictions.find(({ groups }) => group !== undefined && groups.includes(group));
  if (restriction === undefined) return rpc;
  const header = `triton-grpc-protocol-${restriction.key}`.toLowerCase();
  const refusal: GrpcStatus = {
    code: grpcStatusOf('UNAVAILABLE'),
    details: `This protocol is restricted, expecting header '${header}'`,
  };
  const isAllowed = (metadata: CallMetadata): boolean =>
    metadata.get(header).some((value) => value === restriction.value);
  return restrictHandler(rpc, isAllowed, refusal);
}

function restrictHandler(rpc: Rpc, isAllowed: (metadata: CallMetadata) => boolean, refusal: GrpcStatus): Rpc {
  const guard =
    <C extends UnaryCall | StreamCall>(handler: (call: C) => void) =>
    (call: C): void => {
      if (isAllowed(call.metadata)) handler(call);
      else call.fail(refusal);
    };
  return rpc.kind === 'unary'
    ? { ...rpc, handler: guard(rpc.handler) }
    : { ...rpc, handler: guard(rpc.handler) };
}
