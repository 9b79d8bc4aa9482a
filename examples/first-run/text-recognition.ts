/** What the PP-OCRv4 recognition model takes and gives: a picture of one line of text → characters. */
import { readFileSync } from 'node:fs';
import { InferInput } from '@nereid/client';
import { resizeToHeight, type Picture } from './picture.ts';

/** Height of the pictures that the model was trained on. */
const MODEL_HEIGHT = 48;
/** Class 0 of the model: no new character at this place. */
const BLANK = 0;

/** What was read, and the mean probability of its characters. */
export interface RecognizedText {
  readonly text: string;
  readonly confidence: number;
}

/** The picture as the model's input. */
export function toModelInput(name: string, picture: Picture): InferInput {
  const { shape, values } = toModelValues(picture);
  return InferInput.from(name, values, shape);
}

/** What the model's input consists of: FP32 [1, 3, 48, width], blue, green, red, each from -1 to 1. */
export function toModelValues(picture: Picture): {
  readonly shape: readonly number[];
  readonly values: Float32Array;
} {
  const { width, height, pixels } = resizeToHeight(picture, MODEL_HEIGHT);
  const plane = width * height;
  const values = new Float32Array(3 * plane);
  for (let pixel = 0; pixel < plane; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      values[(2 - channel) * plane + pixel] = ((pixels[pixel * 3 + channel] ?? 0) / 255 - 0.5) / 0.5;
    }
  }
  return { shape: [1, 3, height, width], values };
}

/** Reads the classes of the model from its character table: blank, one character a line, space. */
export function readCharacters(file: string): readonly string[] {
  return ['', ...readFileSync(file, 'utf8').split('\n'), ' '];
}

/**
 * Reads the text out of the model's answer, the probability of each class at each place (CTC, greedy): the best
 * class of each place, repetitions of the place before and blanks left out.
 *
 * @param probabilities - As many rows as the picture has places, each as long as `characters`.
 */
export function decodeText(probabilities: Float32Array, characters: readonly string[]): RecognizedText {
  let text = '';
  let sum = 0;
  let count = 0;
  let previous = BLANK;
  for (let start = 0; start < probabilities.length; start += characters.length) {
    const row = probabilities.subarray(start, start + characters.length);
    const best = indexOfMaximum(row);
    if (best !== BLANK && best !== previous) {
      text += characters[best] ?? '';
      sum += row[best] ?? 0;
      count += 1;
    }
    previous = best;
  }
  return { text, confidence: count === 0 ? 0 : sum / count };
}

function indexOfMaximum(values: Float32Array): number {
  let best = 0;
  for (let index = 1; index < values.length; index += 1) {
    if ((values[index] ?? 0) > (values[best] ?? 0)) best = index;
  }
  return best;
}
