import { node, onnxModel, tensor } from './onnx-graph.ts';

/** The bytes of a `model.onnx` of two operators that computes Y = 2 X + 1 on FP32 [batch, n]. */
export function affineOnnx(): Uint8Array {
  const shape = ['batch', 'n'];
  return onnxModel({
    name: 'affine',
    nodes: [node('Mul', ['X', 'two'], 'doubled'), node('Add', ['doubled', 'one'], 'Y')],
    weights: [tensor('two', [], Float32Array.of(2)), tensor('one', [], Float32Array.of(1))],
    input: shape,
    output: shape,
  });
}
