/** Cuts the lines of text out of a picture and has the recognition model read them, all at the same time. */
import { defineModel, type InferTensor } from '@nereid/backend-script';
import { CHARACTER_TABLE } from '../../../../first-run/model-repository.ts';
import type { Picture } from '../../../../first-run/picture.ts';
import { decodeText, readCharacters, toModelValues } from '../../../../first-run/text-recognition.ts';
import { findBoxes, type Box } from './find-boxes.ts';

export default defineModel({
  config: {
    input: [
      { name: 'IMAGE', data_type: 'TYPE_UINT8', dims: [-1, -1, 3] },
      { name: 'TEXT_MAP', data_type: 'TYPE_FP32', dims: [-1, 1, -1, -1] },
    ],
    output: [
      { name: 'LINES', data_type: 'TYPE_STRING', dims: [-1] },
      { name: 'CONFIDENCES', data_type: 'TYPE_FP32', dims: [-1] },
      { name: 'BOXES', data_type: 'TYPE_INT32', dims: [-1, 4] },
    ],
  },
  load() {
    const characters = readCharacters(CHARACTER_TABLE);
    return {
      async execute(request, { infer }) {
        const picture = toPicture(request.input('IMAGE'));
        const map = request.input('TEXT_MAP');
        const boxes = findBoxes(map.values('FP32'), map.shape.at(-1) ?? 0, picture);
        const readings = await Promise.all(
          boxes.map(async (box) => {
            const x = toModelValues(crop(picture, box));
            const answer = await infer({ model: 'text_recognition', inputs: { x } });
            return decodeText(answer.output('softmax_11.tmp_0').values('FP32'), characters);
          }),
        );
        return {
          outputs: {
            LINES: readings.map(({ text }) => text),
            CONFIDENCES: readings.map(({ confidence }) => confidence),
            BOXES: boxes.flatMap(({ left, top, right, bottom }) => [left, top, right, bottom]),
          },
        };
      },
    };
  },
});

function toPicture(image: InferTensor): Picture {
  const [height = 0, width = 0] = image.shape;
  return { width, height, pixels: image.values('UINT8') };
}

function crop({ width, pixels }: Picture, { left, top, right, bottom }: Box): Picture {
  const cut = new Uint8Array((right - left) * (bottom - top) * 3);
  for (let y = top; y < bottom; y += 1) {
    const row = pixels.subarray((y * width + left) * 3, (y * width + right) * 3);
    cut.set(row, (y - top) * (right - left) * 3);
  }
  return { width: right - left, height: bottom - top, pixels: cut };
}
