import type { SharedMemoryRef } from '../infer-message.ts';
import { memberOf, toStringValue, toUnsignedValue } from './json-member.ts';
import type { JsonValue } from './parse-json.ts';

/** The place in shared memory that the parameters of an input or output name; undefined when they name none. */
export function decodeSharedMemoryRef(parameters: JsonValue | undefined): SharedMemoryRef | undefined {
  const region = memberOf(parameters, 'shared_memory_region');
  if (region === undefined) return undefined;
  const offset = memberOf(parameters, 'shared_memory_offset') ?? 0;
  const byteSize = memberOf(parameters, 'shared_memory_byte_size') ?? 0;
  return {
    region: toStringValue(region, 'shared_memory_region'),
    offset: Number(toUnsignedValue(offset, 'shared_memory_offset')),
    byteSize: Number(toUnsignedValue(byteSize, 'shared_memory_byte_size')),
  };
}

/** The parameters that name a place in shared memory, as they stand in requests. */
export function sharedMemoryParameters(ref: SharedMemoryRef): Record<string, string | number> {
  return {
    shared_memory_region: ref.region,
    shared_memory_byte_size: ref.byteSize,
    shared_memory_offset: ref.offset,
  };
}
