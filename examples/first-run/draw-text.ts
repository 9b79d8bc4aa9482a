import { GLYPH_HEIGHT, GLYPH_WIDTH, isInked } from './font.ts';
import type { Picture } from './picture.ts';

/** Pixels of a cell, across and down. */
const CELL = 8;
/** Cells left white around the text. */
const MARGIN = 2;
/** Cells from one character to the next. */
const PITCH = GLYPH_WIDTH + 1;
const PAPER = 255;
const INK = [24, 32, 72];

/** Draws a line of text, dark on white, in block letters. Letters, digits, space and `-.!` have a glyph. */
export function drawText(text: string): Picture {
  const width = (text.length * PITCH - 1 + 2 * MARGIN) * CELL;
  const height = (GLYPH_HEIGHT + 2 * MARGIN) * CELL;
  const pixels = new Uint8Array(width * height * 3).fill(PAPER);
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor(y / CELL) - MARGIN;
    for (let x = 0; x < width; x += 1) {
      const cell = Math.floor(x / CELL) - MARGIN;
      if (isInkedCell(text, cell, row)) pixels.set(INK, (y * width + x) * 3);
    }
  }
  return { width, height, pixels };
}

function isInkedCell(text: string, cell: number, row: number): boolean {
  const character = text[Math.floor(cell / PITCH)];
  const column = cell % PITCH;
  return character !== undefined && row >= 0 && column < GLYPH_WIDTH && isInked(character, column, row);
}
