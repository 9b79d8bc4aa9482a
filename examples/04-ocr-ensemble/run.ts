/** Reads a picture with several lines of text: an ensemble of two ONNX models and two models in TypeScript. */
import { fileURLToPath } from 'node:url';
import { createTensor, decodeStrings, tensorView } from '@nereid/backend-sdk';
import { createServer } from '@nereid/core';
import { readPicture, writePicture } from '../first-run/picture.ts';
import { drawLines } from './draw-lines.ts';
import { installOcr } from './install-ocr.ts';

const PAGE = fileURLToPath(new URL('./page.png', import.meta.url));

const [file] = process.argv.slice(2);
if (file === undefined) writePicture(PAGE, drawLines(['NEREID 2026', 'HELLO WORLD', 'LINE 3']));
const { width, height, pixels } = readPicture(file ?? PAGE);

await using server = await createServer({ modelRepository: installOcr(), logInfo: false });

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
