import {
  InferenceServerError,
  type Datatype,
  type ModelConfig,
  type ModelTensor,
  type ModelTensors,
} from '@nereid/backend-sdk';
import type { OrtValueInfo } from './ort-binding.ts';

interface ElementType {
  readonly datatype: Datatype;
  /** The library's name. */
  readonly ortType: string;
}

/** ONNX element types that the library exchanges, by their number in `onnx.proto`. */
const ELEMENT_TYPES: Readonly<Record<number, ElementType>> = {
  1: { datatype: 'FP32', ortType: 'float32' },
  2: { datatype: 'UINT8', ortType: 'uint8' },
  3: { datatype: 'INT8', ortType: 'int8' },
  4: { datatype: 'UINT16', ortType: 'uint16' },
  5: { datatype: 'INT16', ortType: 'int16' },
  6: { datatype: 'INT32', ortType: 'int32' },
  7: { datatype: 'INT64', ortType: 'int64' },
  8: { datatype: 'BYTES', ortType: 'string' },
  9: { datatype: 'BOOL', ortType: 'bool' },
  10: { datatype: 'FP16', ortType: 'float16' },
  11: { datatype: 'FP64', ortType: 'float64' },
  12: { datatype: 'UINT32', ortType: 'uint32' },
  13: { datatype: 'UINT64', ortType: 'uint64' },
};

/** Names of the element types that it does not exchange, for messages. */
const OTHER_ELEMENT_TYPES: Readonly<Record<number, string>> = {
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
};

const ORT_TYPES: ReadonlyMap<Datatype, string> = new Map(
  Object.values(ELEMENT_TYPES).map(({ datatype, ortType }) => [datatype, ortType]),
);
const DATATYPES: ReadonlyMap<string, Datatype> = new Map(
  Object.values(ELEMENT_TYPES).map(({ datatype, ortType }) => [ortType, datatype]),
);

/** The library's name of a datatype; undefined for BF16, which it does not exchange. */
export function toOrtType(datatype: Datatype): string | undefined {
  return ORT_TYPES.get(datatype);
}

/** The datatype of one of the library's element types. */
export function fromOrtType(ortType: string): Datatype | undefined {
  return DATATYPES.get(ortType);
}

/** Inputs and outputs of a loaded model, as the library tells them. */
export interface OrtModelIo {
  readonly inputs: readonly OrtValueInfo[];
  readonly outputs: readonly OrtValueInfo[];
}

/**
 * A model's inputs and outputs in Triton's terms. Outputs that can't be served (sequences, maps, bfloat16 …) are
 * left out as long as the configuration lists others.
 *
 * @throws InferenceServerError UNSUPPORTED naming a tensor that would be needed and can't be served.
 */
export function toModelTensors({ inputs, outputs }: OrtModelIo, config: ModelConfig): ModelTensors {
  const listed = new Set(config.output.map(({ name }) => name));
  const served = outputs.filter((info) => listed.size === 0 || listed.has(info.name) || isServable(info));
  return {
    inputs: inputs.map((info) => toModelTensor(info, 'input', config)),
    outputs: served.map((info) => toModelTensor(info, 'output', config)),
  };
}

function isServable({ elementType }: OrtValueInfo): boolean {
  return ELEMENT_TYPES[elementType] !== undefined;
}

function toModelTensor(info: OrtValueInfo, kind: 'input' | 'output', config: ModelConfig): ModelTensor {
  const type = ELEMENT_TYPES[info.elementType];
  if (type !== undefined) return { name: info.name, datatype: type.datatype, shape: info.shape };
  const found = info.isTensor
    ? `of ONNX element type ${OTHER_ELEMENT_TYPES[info.elementType] ?? info.elementType}`
    : 'not a dense tensor (a sequence, map, optional or sparse tensor)';
  const hint = kind === 'output' ? '; list the outputs to serve in the configuration to leave it out' : '';
  throw new InferenceServerError(
    'UNSUPPORTED',
    `unable to load model '${config.name}', ${kind} '${info.name}' is ${found}, ` +
      `which ONNX Runtime does not exchange with Node.js${hint}`,
  );
}
