import { drawText } from '../first-run/draw-text.ts';
import type { Picture } from '../first-run/picture.ts';

/** A picture with lines of text, one below the other. */
export function drawLines(lines: readonly string[]): Picture {
  return stack(lines.map(drawText));
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
