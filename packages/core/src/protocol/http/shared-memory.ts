import { InferenceServerError } from '@nereid/protocol';
import {
  memberOf,
  toStringValue,
  toUnsignedValue,
  type CudaSharedMemoryRegionJson,
  type JsonValue,
  type SystemSharedMemoryRegionJson,
} from '@nereid/protocol/http';
import type { SystemRegion } from '../../memory/region.ts';
import type { CudaRegion } from '../../memory/shared-memory-registry.ts';
import type { HttpContext } from './http-services.ts';
import { assertJson, readJson } from './request-body.ts';
import type { RouteHandler } from './route-table.ts';
import { jsonHandler } from './route.ts';

/** Bytes of a CUDA memory handle. */
const CUDA_HANDLE_BYTE_SIZE = 64;

/** What can be done with one kind of shared memory. */
interface RegionActions {
  readonly kind: 'systemsharedmemory' | 'cudasharedmemory';
  readonly status: RouteHandler;
  readonly register: RouteHandler;
  readonly unregister: RouteHandler;
}

/** Status, register and unregister of system and CUDA shared memory. Without a name they mean all regions. */
export function sharedMemory(context: HttpContext): void {
  addActions(context, systemActions(context));
  addActions(context, cudaActions(context));
}

function addActions(context: HttpContext, actions: RegionActions): void {
  const { kind, status, register, unregister } = actions;
  const root = `/v2/${kind}`;
  const region = `${root}/region/:region(^.+$)`;
  const api = 'shared-memory';
  context.table.add({ path: `${root}/status`, api, get: status });
  context.table.add({ path: `${region}/status`, api, get: status });
  context.table.add({ path: `${region}/register`, api, post: register });
  context.table.add({ path: `${root}/unregister`, api, post: unregister });
  context.table.add({ path: `${region}/unregister`, api, post: unregister });
}

function systemActions(context: HttpContext): RegionActions {
  const { management, maxInputSize } = context;
  return {
    kind: 'systemsharedmemory',
    status: jsonHandler(context, ({ params }) =>
      management.systemSharedMemoryStatus(params.region ?? '').map(toSystemJson),
    ),
    register: jsonHandler(context, async (request, response) => {
      const json = assertJson(await readJson(request, response, maxInputSize));
      const key = toStringValue(requiredMember(json, 'key'), 'key');
      const byteSize = Number(toUnsignedValue(requiredMember(json, 'byte_size'), 'byte_size'));
      const offset = Number(toUnsignedValue(memberOf(json, 'offset') ?? 0, 'offset'));
      management.registerSystemSharedMemory({ name: request.params.region ?? '', key, offset, byteSize });
    }),
    unregister: jsonHandler(context, ({ params }) => {
      management.unregisterSystemSharedMemory(params.region ?? '');
    }),
  };
}

function cudaActions(context: HttpContext): RegionActions {
  const { management, maxInputSize } = context;
  return {
    kind: 'cudasharedmemory',
    status: jsonHandler(context, ({ params }) =>
      management.cudaSharedMemoryStatus(params.region ?? '').map(toCudaJson),
    ),
    register: jsonHandler(context, async (request, response) => {
      const json = assertJson(await readJson(request, response, maxInputSize));
      const handle = decodeHandle(memberOf(requiredMember(json, 'raw_handle'), 'b64'));
      const byteSize = Number(toUnsignedValue(requiredMember(json, 'byte_size'), 'byte_size'));
      const deviceId = Number(toUnsignedValue(requiredMember(json, 'device_id'), 'device_id'));
      management.registerCudaSharedMemory({ name: request.params.region ?? '', deviceId, byteSize }, handle);
    }),
    unregister: jsonHandler(context, ({ params }) => {
      management.unregisterCudaSharedMemory(params.region ?? '');
    }),
  };
}

function requiredMember(json: JsonValue, name: string): JsonValue {
  const value = memberOf(json, name);
  if (value !== undefined) return value;
  throw new InferenceServerError('INVALID_ARG', `Shared memory register request has no '${name}' field`);
}

function decodeHandle(base64: JsonValue | undefined): Uint8Array {
  const handle = Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64');
  if (handle.length === CUDA_HANDLE_BYTE_SIZE) return handle;
  throw new InferenceServerError(
    'INVALID_ARG',
    "'raw_handle' must be a valid base64 encoded cudaIpcMemHandle_t",
  );
}

function toSystemJson({ name, key, offset, byteSize }: SystemRegion): SystemSharedMemoryRegionJson {
  return { name, key, offset, byte_size: byteSize };
}

function toCudaJson({ name, deviceId, byteSize }: CudaRegion): CudaSharedMemoryRegionJson {
  return { name, device_id: deviceId, byte_size: byteSize };
}
