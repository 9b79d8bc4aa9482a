/** The values of a tensor whose step was skipped. */
import { elementCount, fromConfigDatatype, InferenceServerError, type Tensor } from '@nereid/protocol';
import { decodeJsonData, type JsonValue } from '@nereid/protocol/http';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { defaultParameter, type EnsembleFlow } from '../ensemble/ensemble-flow.ts';
import { areCompatible, type EnsembleTensorFacts, type RefuseEnsemble } from './ensemble-checks.ts';

/** What a default is made from. */
export interface DefaultSource {
  readonly flow: EnsembleFlow;
  readonly facts: EnsembleTensorFacts;
  readonly config: ModelConfig;
  readonly refuse: RefuseEnsemble;
}

/** The constant that a tensor is when its step was skipped. */
export interface DefaultRow {
  /** One row, without the batch dimension. */
  readonly row: Tensor;
  readonly hasBatch: boolean;
}

/** The default for a request of so many rows. */
export function defaultTensor({ row, hasBatch }: DefaultRow, rows: number): Tensor {
  if (!hasBatch) return row;
  return { ...row, shape: [rows, ...row.shape], data: repeat(row.data, rows) };
}

/**
 * Makes the default of a tensor out of the values in the configuration; undefined for one without values. A tensor
 * that stands in for another is only checked here.
 */
export function createDefault(name: string, source: DefaultSource): DefaultRow | undefined {
  const { flow, facts, config, refuse } = source;
  const declared = flow.defaults.get(name);
  const own = facts.get(name);
  if (declared === undefined || own === undefined) return undefined;
  const path = `parameters[${JSON.stringify(defaultParameter(name))}]`;
  const fail = (what: string): never => refuse(path, `default of tensor '${name}': ${what}`);
  if (declared.kind === 'tensor') {
    const other = facts.get(declared.name);
    if (other?.datatype !== own.datatype || !areCompatible(other.dims, own.dims)) {
      const found = other === undefined ? 'nothing' : `${other.datatype} [${other.dims.join(',')}]`;
      fail(`expected ${own.datatype} [${own.dims.join(',')}], tensor '${declared.name}' is ${found}`);
    }
    return undefined;
  }
  const hasBatch = config.max_batch_size > 0;
  const shape = rowShape(declared.values, hasBatch ? own.dims.slice(1) : own.dims, fail);
  return { row: encodeRow(declared.values, { name, shape, datatype: own.datatype, fail }), hasBatch };
}

/** The declared shape; dimensions that may vary are those of the values. */
function rowShape(
  values: JsonValue,
  dims: readonly number[],
  fail: (what: string) => never,
): readonly number[] {
  if (!Array.isArray(values)) {
    if (dims.includes(-1))
      fail(`its shape [${dims.join(',')}] varies, so it needs a list of values, found one value`);
    return dims;
  }
  const found = nestedShape(values);
  if (areCompatible(dims, found)) return found;
  return fail(`expected a list of shape [${dims.join(',')}], found [${found.join(',')}]`);
}

function nestedShape(values: JsonValue | undefined): readonly number[] {
  return Array.isArray(values) ? [values.length, ...nestedShape(values[0])] : [];
}

interface RowTarget {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly fail: (what: string) => never;
}

function encodeRow(values: JsonValue, { name, shape, datatype: configType, fail }: RowTarget): Tensor {
  const datatype = fromConfigDatatype(configType);
  if (datatype === undefined) return fail(`unknown datatype ${configType}`);
  const count = elementCount(shape);
  const list = Array.isArray(values) ? values : Array.from({ length: count }, () => values);
  try {
    return { name, datatype, shape, data: decodeJsonData(list, { name, datatype, elementCount: count }) };
  } catch (error) {
    return fail(`expected ${configType} [${shape.join(',')}]: ${InferenceServerError.from(error).message}`);
  }
}

function repeat(row: Uint8Array, times: number): Uint8Array {
  const all = new Uint8Array(row.byteLength * times);
  for (let at = 0; at < times; at += 1) all.set(row, at * row.byteLength);
  return all;
}
