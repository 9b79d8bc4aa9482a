import { createWeights, node, onnxModel, tensor } from './onnx-graph.ts';

const KERNEL = 3;
const CLASSES = 1000;

/** Convolutions of 3x3 with ReLU behind them; one with stride 2 halves the image. */
const LAYERS = [
  { channels: 32, stride: 2 },
  { channels: 64, stride: 2 },
  { channels: 128, stride: 1 },
  { channels: 128, stride: 2 },
  { channels: 192, stride: 2 },
] as const;

/** Floating-point operations for one image of 224x224: two for each product that a convolution sums up. */
export function cnnOperations(): number {
  let [side, from, operations] = [224, 3, 0];
  for (const { channels, stride } of LAYERS) {
    side /= stride;
    operations += 2 * side * side * channels * from * KERNEL * KERNEL;
    from = channels;
  }
  return operations + 2 * from * CLASSES;
}

/** The bytes of a `model.onnx` that classifies images, FP32 [batch, 3, 224, 224] to [batch, 1000]. */
export function cnnOnnx(): Uint8Array {
  const nodes: Uint8Array[] = [];
  const weights: Uint8Array[] = [];
  let [from, fromChannels] = ['X', 3];
  LAYERS.forEach(({ channels, stride }, layer) => {
    const fanIn = fromChannels * KERNEL * KERNEL;
    const shape = [channels, fromChannels, KERNEL, KERNEL];
    weights.push(tensor(`w${layer}`, shape, createWeights(channels * fanIn, fanIn)));
    const attributes = { strides: [stride, stride], pads: [1, 1, 1, 1] };
    nodes.push(node('Conv', [from, `w${layer}`], `conv${layer}`, attributes));
    nodes.push(node('Relu', [`conv${layer}`], `relu${layer}`));
    [from, fromChannels] = [`relu${layer}`, channels];
  });
  weights.push(
    tensor('w', [fromChannels, CLASSES], createWeights(fromChannels * CLASSES, fromChannels)),
    tensor('b', [CLASSES], createWeights(CLASSES, fromChannels)),
  );
  nodes.push(
    node('GlobalAveragePool', [from], 'pooled'),
    node('Flatten', ['pooled'], 'flat'),
    node('Gemm', ['flat', 'w', 'b'], 'Y'),
  );
  const input = ['batch', 3, 224, 224];
  return onnxModel({ name: 'cnn', nodes, weights, input, output: ['batch', CLASSES] });
}
