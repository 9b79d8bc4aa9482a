/** The parts of an ONNX model, written from the field numbers of onnx.proto. */
import { bytesField, integerField, message, messageField, stringField } from './protobuf-message.ts';

const FLOAT = 1;
const INTS = 7;
const IR_VERSION = 8;
const OPSET_VERSION = 13;

/** A part of a graph: a message in protobuf's encoding. */
type Part = Uint8Array;

/** A graph with one input X and one output Y. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly Part[];
  readonly weights: readonly Part[];
  /** Of X and Y: a size, or a name where any size will do. */
  readonly input: readonly (number | string)[];
  readonly output: readonly (number | string)[];
}

/** The bytes of a `model.onnx`. */
export function onnxModel({ name, nodes, weights, input, output }: OnnxGraph): Uint8Array {
  const graph = messageField(7, [
    ...nodes.map((part) => bytesField(1, part)),
    stringField(2, name),
    ...weights.map((part) => bytesField(5, part)),
    bytesField(11, floats('X', input)),
    bytesField(12, floats('Y', output)),
  ]);
  const opset = messageField(8, [stringField(1, ''), integerField(2, OPSET_VERSION)]);
  return message([integerField(1, IR_VERSION), stringField(2, 'nereid-bench'), graph, opset]);
}

/** A NodeProto: input 1, output 2, op_type 4, attribute 5. Attributes are lists of integers. */
export function node(
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, readonly number[]>> = {},
): Part {
  return message([
    ...inputs.map((name) => stringField(1, name)),
    stringField(2, output),
    stringField(4, operator),
    ...Object.entries(attributes).map(([name, values]) => bytesField(5, attribute(name, values))),
  ]);
}

/** A TensorProto of floats: dims 1, data_type 2, name 8, raw_data 9. */
export function tensor(name: string, shape: readonly number[], values: Float32Array): Part {
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const dims = shape.map((dim) => integerField(1, dim));
  return message([...dims, integerField(2, FLOAT), stringField(8, name), bytesField(9, raw)]);
}

/**
 * Weights that are the same in every run: evenly spread around 0, and so small that sums over `fanIn` products keep
 * the size of their inputs.
 */
export function createWeights(length: number, fanIn: number): Float32Array {
  const limit = Math.sqrt(6 / fanIn);
  // The golden ratio's multiples lie evenly and without a period.
  return Float32Array.from({ length }, (_, index) => (((index * 0.6180339887498949) % 1) * 2 - 1) * limit);
}

/** An AttributeProto: name 1, ints 8, type 20. */
function attribute(name: string, values: readonly number[]): Part {
  return message([
    stringField(1, name),
    ...values.map((value) => integerField(8, value)),
    integerField(20, INTS),
  ]);
}

/** A ValueInfoProto of floats: name 1, type 2 › tensor_type 1 › shape 2 › dim 1 › dim_value 1 or dim_param 2. */
function floats(name: string, dimensions: readonly (number | string)[]): Part {
  const shape = dimensions.map((dim) =>
    messageField(1, [typeof dim === 'number' ? integerField(1, dim) : stringField(2, dim)]),
  );
  const type = messageField(1, [integerField(1, FLOAT), messageField(2, shape)]);
  return message([stringField(1, name), messageField(2, [type])]);
}
