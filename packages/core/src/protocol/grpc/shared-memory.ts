import { GRPCInferenceService } from '@nereid/protocol/gen';
import type { GrpcServices } from './grpc-services.ts';
import { unaryRpc, type Rpc } from './rpc.ts';

/** Status, Register and Unregister of system and CUDA shared memory. An empty name means all regions. */
export function sharedMemoryRpcs(services: GrpcServices): readonly Rpc[] {
  return [...systemSharedMemoryRpcs(services), ...cudaSharedMemoryRpcs(services)];
}

function systemSharedMemoryRpcs(services: GrpcServices): readonly Rpc[] {
  const { management } = services;
  const rpcs = GRPCInferenceService.method;
  return [
    unaryRpc(services, rpcs.systemSharedMemoryStatus, ({ name }) => ({
      regions: Object.fromEntries(
        management.systemSharedMemoryStatus(name).map((region) => [
          region.name,
          {
            name: region.name,
            key: region.key,
            offset: BigInt(region.offset),
            byteSize: BigInt(region.byteSize),
          },
        ]),
      ),
    })),
    unaryRpc(services, rpcs.systemSharedMemoryRegister, ({ name, key, offset, byteSize }) => {
      const region = { name, key, offset: Number(offset), byteSize: Number(byteSize) };
      management.registerSystemSharedMemory(region);
      return {};
    }),
    unaryRpc(services, rpcs.systemSharedMemoryUnregister, ({ name }) => {
      management.unregisterSystemSharedMemory(name);
      return {};
    }),
  ];
}

function cudaSharedMemoryRpcs(services: GrpcServices): readonly Rpc[] {
  const { management } = services;
  const rpcs = GRPCInferenceService.method;
  return [
    unaryRpc(services, rpcs.cudaSharedMemoryStatus, ({ name }) => ({
      regions: Object.fromEntries(
        management
          .cudaSharedMemoryStatus(name)
          .map((region) => [
            region.name,
            { name: region.name, deviceId: BigInt(region.deviceId), byteSize: BigInt(region.byteSize) },
          ]),
      ),
    })),
    unaryRpc(services, rpcs.cudaSharedMemoryRegister, ({ name, rawHandle, deviceId, byteSize }) => {
      const region = { name, deviceId: Number(deviceId), byteSize: Number(byteSize) };
      management.registerCudaSharedMemory(region, rawHandle);
      return {};
    }),
    unaryRpc(services, rpcs.cudaSharedMemoryUnregister, ({ name }) => {
      management.unregisterCudaSharedMemory(name);
      return {};
    }),
  ];
}
