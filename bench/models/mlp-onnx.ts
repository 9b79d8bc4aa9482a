import { createWeights, node, onnxModel, tensor } from './onnx-graph.ts';

/** How wide the layers are, from input to output. */
export const MLP_WIDTHS = [512, 1024, 1024, 256] as const;

/** The bytes of a `model.onnx` of three dense layers with ReLU between them, FP32 [batch, 512] to [batch, 256]. */
export function mlpOnnx(): Uint8Array {
  const nodes: Uint8Array[] = [];
  const weights: Uint8Array[] = [];
  const layers = MLP_WIDTHS.length - 1;
  let from = 'X';
  for (let layer = 0; layer < layers; layer += 1) {
    const [rows, columns] = [MLP_WIDTHS[layer] ?? 0, MLP_WIDTHS[layer + 1] ?? 0];
    const isLast = layer === layers - 1;
    const sum = isLast ? 'Y' : `sum${layer}`;
    nodes.push(node('Gemm', [from, `w${layer}`, `b${layer}`], sum));
    weights.push(
      tensor(`w${layer}`, [rows, columns], createWeights(rows * columns, rows)),
      tensor(`b${layer}`, [columns], createWeights(columns, rows)),
    );
    from = `relu${layer}`;
    if (!isLast) nodes.push(node('Relu', [sum], from));
  }
  return onnxModel({ name: 'mlp', nodes, weights, input: ['batch', 512], output: ['batch', 256] });
}
