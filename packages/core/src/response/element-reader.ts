import type { Datatype } from '@nereid/protocol';

/** Reads one element of a tensor by its place. */
export type ElementReader = (data: DataView, at: number) => number | bigint;

const READERS: Partial<Record<Datatype, ElementReader>> = {
  UINT8: (data, at) => data.getUint8(at),
  UINT16: (data, at) => data.getUint16(at * 2, true),
  UINT32: (data, at) => data.getUint32(at * 4, true),
  UINT64: (data, at) => data.getBigUint64(at * 8, true),
  INT8: (data, at) => data.getInt8(at),
  INT16: (data, at) => data.getInt16(at * 2, true),
  INT32: (data, at) => data.getInt32(at * 4, true),
  INT64: (data, at) => data.getBigInt64(at * 8, true),
  FP32: (data, at) => data.getFloat32(at * 4, true),
  FP64: (data, at) => data.getFloat64(at * 8, true),
};

/** How the elements of a datatype are read as numbers; undefined for one that has no order: BYTES, BOOL, FP16, BF16. */
export function elementReader(datatype: Datatype): ElementReader | undefined {
  return READERS[datatype];
}
