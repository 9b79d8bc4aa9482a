/** An ONNX model of two operators, written from the field numbers of onnx.proto. */
import { bytesField, integerField, message, messageField, stringField } from './protobuf-message.ts';

const FLOAT = 1;
const IR_VERSION = 8;
const OPSET_VERSION = 13;

/** A scalar TensorProto: data_type 2, name 8, raw_data 9. */
function scalar(name: string, value: number): Uint8Array {
  const raw = Buffer.alloc(4);
  raw.writeFloatLE(value);
  return message([integerField(2, FLOAT), stringField(8, name), bytesField(9, raw)]);
}

/** A NodeProto: input 1, output 2, op_type 4. */
function node(operator: string, inputs: readonly string[], output: string): Uint8Array {
  return message([
    ...inputs.map((name) => stringField(1, name)),
    stringField(2, output),
    stringField(4, operator),
  ]);
}

/** A ValueInfoProto of floats whose dimensions only have names: name 1, type 2 › tensor_type 1 › shape 2 › dim 1. */
function floats(name: string, dimensions: readonly string[]): Uint8Array {
  const shape = dimensions.map((dimension) => messageField(1, [stringField(2, dimension)]));
  const tensor = messageField(1, [integerField(1, FLOAT), messageField(2, shape)]);
  return message([stringField(1, name), messageField(2, [tensor])]);
}

/** The bytes of a `model.onnx` that computes Y = 2 X + 1 on FP32 [batch, n]. */
export function affineOnnx(): Uint8Array {
  const dimensions = ['batch', 'n'];
  const graph = messageField(7, [
    bytesField(1, node('Mul', ['X', 'two'], 'doubled')),
    bytesField(1, node('Add', ['doubled', 'one'], 'Y')),
    stringField(2, 'affine'),
    bytesField(5, scalar('two', 2)),
    bytesField(5, scalar('one', 1)),
    bytesField(11, floats('X', dimensions)),
    bytesField(12, floats('Y', dimensions)),
  ]);
  const opset = messageField(8, [stringField(1, ''), integerField(2, OPSET_VERSION)]);
  return message([integerField(1, IR_VERSION), stringField(2, 'nereid-bench'), graph, opset]);
}
