import type { Parameters, ParameterValue } from '@nereid/backend-sdk';

/** An integer that a double can't hold. */
interface WireInteger {
  readonly integer: string;
}

/** A number that JSON can't write: `NaN` or an infinity. */
interface WireFloat {
  readonly float: string;
}

/** A parameter's value as JSON carries it without loss. */
export type WireValue = boolean | number | string | WireInteger | WireFloat;

/** The ID of a sequence. */
export type WireId = number | string | WireInteger;

/** Parameters in a frame, as python/nereid_stub/exact.py reads and writes them. */
export type WireParameters = Readonly<Record<string, WireValue>>;

/** The ID of a sequence for Python. */
export function toWireId(id: number | bigint | string): WireId {
  return typeof id === 'bigint' ? { integer: String(id) } : id;
}

/** The ID of a sequence that Python described. */
export function fromWireId(id: WireId): number | bigint | string {
  return typeof id === 'object' ? BigInt(id.integer) : id;
}

/** Describes a value for Python, whose integers and floats have all that ours have. */
function toWireValue(value: ParameterValue): WireValue {
  if (typeof value === 'bigint') return toWireId(value);
  return typeof value === 'number' && !Number.isFinite(value) ? { float: String(value) } : value;
}

/** The value that Python described. */
function fromWireValue(value: WireValue): ParameterValue {
  if (typeof value !== 'object') return value;
  return 'integer' in value ? fromWireId(value) : Number(value.float);
}

/** {@link toWireValue} of each. */
export function toWireParameters(parameters: Parameters): WireParameters {
  return mapValues(parameters, toWireValue);
}

/** {@link fromWireValue} of each. */
export function fromWireParameters(parameters: WireParameters): Parameters {
  return mapValues(parameters, fromWireValue);
}

function mapValues<A, B>(values: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}
