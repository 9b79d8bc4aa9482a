/** Pieces of Markdown. */

/** The line that begins every generated page. */
export const GENERATED =
  '<!-- Written by tools/generate-reference.ts from the tables in the code; do not edit. -->';

/** A table. Cells are escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** A text in the code font; '' stays ''. */
export function code(text: string): string {
  return text === '' ? '' : `\`${text}\``;
}

/** A page of parts with an empty line between them. */
export function page(parts: readonly string[]): string {
  return `${parts.join('\n\n')}\n`;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
