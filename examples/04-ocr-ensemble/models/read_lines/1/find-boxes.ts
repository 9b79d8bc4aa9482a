/** A rectangle in pixels; `right` and `bottom` are behind the last one. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The size of a picture. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/** From this probability on, a pixel is text. */
const THRESHOLD = 0.3;
/** Regions of fewer pixels are specks. */
const SMALLEST_AREA = 40;
/** The detector marks the core of a line, and who reads it wants some white around it: this share of the core's height. */
const GROWTH = 1.1;

/**
 * Finds the lines of text in the map of the detector: the regions of pixels that hang together, from top to bottom.
 *
 * @param probabilities - Of each pixel, row by row.
 * @param stride - Pixels in a row of the map, which may be larger than the picture.
 */
export function findBoxes(probabilities: Float32Array, stride: number, size: Size): readonly Box[] {
  const isSeen = new Uint8Array(probabilities.length);
  const boxes: Box[] = [];
  for (let start = 0; start < probabilities.length; start += 1) {
    if (isSeen[start] === 1 || (probabilities[start] ?? 0) < THRESHOLD) continue;
    const region = collectRegion(start, { probabilities, stride, isSeen });
    if (region.area >= SMALLEST_AREA) boxes.push(region.box);
  }
  return joinWords(boxes).map((box) => grow(box, size));
}

/** Words side by side become one line. */
function joinWords(words: readonly Box[]): readonly Box[] {
  const lines: Box[] = [];
  for (const word of [...words].sort((a, b) => a.top - b.top)) {
    const last = lines.at(-1);
    if (last !== undefined && (word.top + word.bottom) / 2 < last.bottom)
      lines[lines.length - 1] = unite(last, word);
    else lines.push(word);
  }
  return lines;
}

function unite(a: Box, b: Box): Box {
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

interface Search {
  readonly probabilities: Float32Array;
  readonly stride: number;
  /** 1 for pixels that belong to a region already. */
  readonly isSeen: Uint8Array;
}

/** All pixels of text that can be reached from one, as a box. */
function collectRegion(
  start: number,
  { probabilities, stride, isSeen }: Search,
): { readonly box: Box; readonly area: number } {
  const open = [start];
  isSeen[start] = 1;
  let [left, top, right, bottom, area] = [Infinity, Infinity, 0, 0, 0];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const x = at % stride;
    const y = Math.floor(at / stride);
    [left, top, right, bottom] = [
      Math.min(left, x),
      Math.min(top, y),
      Math.max(right, x + 1),
      Math.max(bottom, y + 1),
    ];
    area += 1;
    const neighbours = [
      at - stride,
      at + stride,
      ...(x > 0 ? [at - 1] : []),
      ...(x + 1 < stride ? [at + 1] : []),
    ];
    for (const next of neighbours) {
      if (isSeen[next] !== 0 || (probabilities[next] ?? 0) < THRESHOLD) continue;
      isSeen[next] = 1;
      open.push(next);
    }
  }
  return { box: { left, top, right, bottom }, area };
}

function grow({ left, top, right, bottom }: Box, { width, height }: Size): Box {
  const distance = Math.round((bottom - top) * GROWTH);
  return {
    left: Math.max(0, left - distance),
    top: Math.max(0, top - distance),
    right: Math.min(width, right + distance),
    bottom: Math.min(height, bottom + distance),
  };
}
