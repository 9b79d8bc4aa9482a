import { flagOf, OPTION_GROUPS, type AnyOption } from './option-table.ts';

const WIDTH = 100;
const INDENT = ' '.repeat(8);

/** The help text: all options by group. */
export function usage(): string {
  const groups = Object.entries(OPTION_GROUPS).map(([group, options]) => {
    const entries = Object.entries<AnyOption>(options).map(([key, option]) => describe(flagOf(key), option));
    return `${group}:\n${entries.join('\n')}`;
  });
  return `Usage: nereid serve <model repository>… [flags]\n\n${groups.join('\n\n')}\n`;
}

function describe(flag: string, option: AnyOption): string {
  const text = [option.doc, describeDefault(option.default), option.unsupported ? 'Without effect yet.' : '']
    .filter((part) => part !== '')
    .join(' ');
  return `  --${flag}=${option.form}\n${wrap(text)}`;
}

function describeDefault(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value === ''
      ? ''
      : `Default: ${value}.`
    : '';
}

function wrap(text: string): string {
  const lines: string[] = [];
  let line = INDENT;
  for (const word of text.split(' ')) {
    if (line.length + word.length > WIDTH) {
      lines.push(line.trimEnd());
      line = INDENT;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join('\n');
}
