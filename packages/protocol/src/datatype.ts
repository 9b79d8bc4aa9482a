/**
 * The tensor element types of the KServe V2 protocol: wire name, name in `config.pbtxt`, number in
 * `model_config.proto`, bytes per element on the wire (0: variable) .
 */
const TABLE = {
  BOOL: { configType: 'TYPE_BOOL', configNumber: 1, byteSize: 1 },
  UINT8: { configType: 'TYPE_UINT8', configNumber: 2, byteSize: 1 },
  UINT16: { configType: 'TYPE_UINT16', configNumber: 3, byteSize: 2 },
  UINT32: { configType: 'TYPE_UINT32', configNumber: 4, byteSize: 4 },
  UINT64: { configType: 'TYPE_UINT64', configNumber: 5, byteSize: 8 },
  INT8: { configType: 'TYPE_INT8', configNumber: 6, byteSize: 1 },
  INT16: { configType: 'TYPE_INT16', configNumber: 7, byteSize: 2 },
  INT32: { configType: 'TYPE_INT32', configNumber: 8, byteSize: 4 },
  INT64: { configType: 'TYPE_INT64', configNumber: 9, byteSize: 8 },
  FP16: { configType: 'TYPE_FP16', configNumber: 10, byteSize: 2 },
  FP32: { configType: 'TYPE_FP32', configNumber: 11, byteSize: 4 },
  FP64: { configType: 'TYPE_FP64', configNumber: 12, byteSize: 8 },
  BYTES: { configType: 'TYPE_STRING', configNumber: 13, byteSize: 0 },
  BF16: { configType: 'TYPE_BF16', configNumber: 14, byteSize: 2 },
} as const;

/** A datatype by its wire name: `BOOL`, `INT32`, `FP32`, `BYTES` … */
export type Datatype = keyof typeof TABLE;

/** A datatype by its name in `config.pbtxt`: `TYPE_FP32`, `TYPE_STRING` … */
export type ConfigDatatype = (typeof TABLE)[Datatype]['configType'];

/** All datatypes, in the order of `model_config.proto`. */
export const DATATYPES = Object.keys(TABLE) as readonly Datatype[];

const BY_CONFIG_TYPE: ReadonlyMap<string, Datatype> = new Map(DATATYPES.map((d) => [TABLE[d].configType, d]));

/** By the tag of a typed array. BF16 has none; BOOL is no `Uint8Array`, whose bytes may be any. */
const BY_ARRAY: ReadonlyMap<string, Datatype> = new Map([
  ['Uint8Array', 'UINT8'],
  ['Uint16Array', 'UINT16'],
  ['Uint32Array', 'UINT32'],
  ['BigUint64Array', 'UINT64'],
  ['Int8Array', 'INT8'],
  ['Int16Array', 'INT16'],
  ['Int32Array', 'INT32'],
  ['BigInt64Array', 'INT64'],
  ['Float16Array', 'FP16'],
  ['Float32Array', 'FP32'],
  ['Float64Array', 'FP64'],
]);

/** What the elements of a typed array are: `Float32Array` → `FP32`; undefined for other views, as a `DataView`. */
export function datatypeOfArray({
  [Symbol.toStringTag]: tag,
}: {
  readonly [Symbol.toStringTag]: string;
}): Datatype | undefined {
  return BY_ARRAY.get(tag);
}

/** Whether a string is the wire name of a datatype (`FP32`, not `fp32` and not `TYPE_FP32`). */
export function isDatatype(name: string): name is Datatype {
  return Object.hasOwn(TABLE, name);
}

/** Bytes of one element on the wire; 0 for BYTES, whose elements carry their own length. */
export function datatypeByteSize(datatype: Datatype): number {
  return TABLE[datatype].byteSize;
}

/** `FP32` → `TYPE_FP32`, `BYTES` → `TYPE_STRING`. */
export function toConfigDatatype(datatype: Datatype): ConfigDatatype {
  return TABLE[datatype].configType;
}

/** `TYPE_FP32` → `FP32`, `TYPE_STRING` → `BYTES`; undefined for `TYPE_INVALID` and anything unknown. */
export function fromConfigDatatype(configType: string): Datatype | undefined {
  return BY_CONFIG_TYPE.get(configType);
}
