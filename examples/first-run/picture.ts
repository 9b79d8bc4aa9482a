import { readFileSync, writeFileSync } from 'node:fs';
import { PNG } from 'pngjs';

/** A picture of three channels, row by row: red, green, blue of each pixel, 0 to 255. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** Reads a PNG file; what is transparent becomes white. */
export function readPicture(file: string): Picture {
  return decodePicture(readFileSync(file));
}

/** Reads the bytes of a PNG file. */
export function decodePicture(png: Buffer): Picture {
  const { width, height, data } = PNG.sync.read(png);
  const pixels = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const opacity = (data[pixel * 4 + 3] ?? 255) / 255;
    for (let channel = 0; channel < 3; channel += 1) {
      pixels[pixel * 3 + channel] = 255 + ((data[pixel * 4 + channel] ?? 255) - 255) * opacity;
    }
  }
  return { width, height, pixels };
}

/** Writes a picture as a PNG file. */
export function writePicture(file: string, { width, height, pixels }: Picture): void {
  const png = new PNG({ width, height, colorType: 2 });
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    png.data.set(pixels.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
    png.data[pixel * 4 + 3] = 255;
  }
  writeFileSync(file, PNG.sync.write(png, { colorType: 2 }));
}

/**
 * Scales a picture to a height, its proportions kept. Each new pixel is the mean of the old ones that it covers.
 */
export function resizeToHeight(picture: Picture, height: number): Picture {
  const scale = picture.height / height;
  const width = Math.max(1, Math.round(picture.width / scale));
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    const rows = covered(y, scale, picture.height);
    for (let x = 0; x < width; x += 1) {
      const columns = covered(x, picture.width / width, picture.width);
      for (let channel = 0; channel < 3; channel += 1) {
        pixels[(y * width + x) * 3 + channel] = mean(picture, { rows, columns, channel });
      }
    }
  }
  return { width, height, pixels };
}

interface Range {
  readonly from: number;
  /** Behind the last one. */
  readonly to: number;
}

/** The old pixels that a new one covers; at least one. */
function covered(at: number, scale: number, length: number): Range {
  const from = Math.min(Math.floor(at * scale), length - 1);
  return { from, to: Math.max(from + 1, Math.min(Math.round((at + 1) * scale), length)) };
}

interface Area {
  readonly rows: Range;
  readonly columns: Range;
  readonly channel: number;
}

function mean({ width, pixels }: Picture, { rows, columns, channel }: Area): number {
  let sum = 0;
  for (let y = rows.from; y < rows.to; y += 1) {
    for (let x = columns.from; x < columns.to; x += 1) sum += pixels[(y * width + x) * 3 + channel] ?? 0;
  }
  return sum / ((rows.to - rows.from) * (columns.to - columns.from));
}
