/** A picture as the text detector takes it: blue, green, red, normalised, its sides multiples of 32. */
import { defineModel } from '@nereid/backend-script';

const MULTIPLE = 32;
/** Of the pictures that the detector was trained on, in the order of its channels. */
const CHANNELS = [
  { mean: 0.485, deviation: 0.229 },
  { mean: 0.456, deviation: 0.224 },
  { mean: 0.406, deviation: 0.225 },
];
const WHITE = 255;

export default defineModel({
  config: {
    input: [{ name: 'IMAGE', data_type: 'TYPE_UINT8', dims: [-1, -1, 3] }],
    output: [{ name: 'X', data_type: 'TYPE_FP32', dims: [1, 3, -1, -1] }],
  },
  execute(request) {
    const image = request.input('IMAGE');
    const pixels = image.values('UINT8');
    const [height = 0, width = 0] = image.shape;
    const [rows, columns] = [roundUp(height), roundUp(width)];
    const values = new Float32Array(CHANNELS.length * rows * columns);
    for (const [channel, { mean, deviation }] of CHANNELS.entries()) {
      for (let y = 0; y < rows; y += 1) {
        for (let x = 0; x < columns; x += 1) {
          const isInside = y < height && x < width;
          const level = isInside ? pixels[(y * width + x) * 3 + 2 - channel] : WHITE;
          values[(channel * rows + y) * columns + x] = ((level ?? WHITE) / 255 - mean) / deviation;
        }
      }
    }
    return { outputs: { X: { shape: [1, 3, rows, columns], values } } };
  },
});

function roundUp(size: number): number {
  return Math.ceil(size / MULTIPLE) * MULTIPLE;
}
