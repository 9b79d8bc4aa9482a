/** A table of text with a frame, as Triton prints them at start. Cells may have several lines. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(...[head, ...rows].map((row) => widthOf(row[column] ?? title))),
  );
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const lines = rows.flatMap((row) => formatRow(row, widths));
  return [rule, ...formatRow(head, widths), rule, ...lines, rule].join('\n');
}

function formatRow(row: readonly string[], widths: readonly number[]): string[] {
  const cells = row.map((cell) => cell.split('\n'));
  const height = Math.max(...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, line) => {
    const texts = widths.map((width, column) => (cells[column]?.[line] ?? '').padEnd(width));
    return `| ${texts.join(' | ')} |`;
  });
}

function widthOf(cell: string): number {
  return Math.max(...cell.split('\n').map((line) => line.length));
}

/** Breaks text at spaces into lines of at most that many characters. */
export function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join('\n');
}
