/** Cells of a glyph, across and down. */
export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 7;

/**
 * Glyphs of 5 × 7 cells. Each character is one row from top to bottom: its five cells as the bits of a base-32
 * digit, the leftmost cell the highest bit. `e` is ·███·, `h` is █···█.
 */
const GLYPHS: Readonly<Record<string, string>> = {
  ' ': '0000000',
  '-': '000v000',
  '.': '00000cc',
  '!': '4444404',
  '0': 'ehjlphe',
  '1': '4c4444e',
  '2': 'eh1248v',
  '3': 'v2421he',
  '4': '26aiv22',
  '5': 'vgu11he',
  '6': '68guhhe',
  '7': 'v124444',
  '8': 'ehhehhe',
  '9': 'ehhf12c',
  A: 'ehhvhhh',
  B: 'uhhuhhu',
  C: 'ehggghe',
  D: 'uhhhhhu',
  E: 'vgguggv',
  F: 'vgguggg',
  G: 'ehgnhhf',
  H: 'hhhvhhh',
  I: 'e44444e',
  J: '72222ic',
  K: 'hikokih',
  L: 'ggggggv',
  M: 'hrllhhh',
  N: 'hpplljj',
  O: 'ehhhhhe',
  P: 'uhhuggg',
  Q: 'ehhhlid',
  R: 'uhhukih',
  S: 'fgge11u',
  T: 'v444444',
  U: 'hhhhhhe',
  V: 'hhhhaa4',
  W: 'hhhllla',
  X: 'hha4ahh',
  Y: 'hhha444',
  Z: 'v1248gv',
};

/** Whether a cell of a character is inked. Characters without a glyph are blank. */
export function isInked(character: string, column: number, row: number): boolean {
  const bits = Number.parseInt(GLYPHS[character.toUpperCase()]?.[row] ?? '0', 32);
  return ((bits >> (GLYPH_WIDTH - 1 - column)) & 1) === 1;
}
