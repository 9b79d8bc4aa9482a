import { OLD_FLAGS } from '../../packages/core/src/options/command-line.ts';
import {
  flagOf,
  OPTION_GROUPS,
  OWN_OPTIONS,
  type AnyOption,
} from '../../packages/core/src/options/option-table.ts';
import { code, GENERATED, page, table } from './markdown.ts';

/** `docs/reference/options.md`: every flag of `nereid serve`. */
export function optionsPage(): string {
  const groups = Object.entries(OPTION_GROUPS).map(([group, options]) => groupTable(group, options));
  return page([
    GENERATED,
    '# Options of `nereid serve`',
    'Flags are written `--<flag>=<value>` or `--<flag> <value>`; a `<boolean>` alone is `true`. They have the names and ' +
      'defaults of `tritonserver`; those marked **Nereid** are its own. Flags **without effect yet** are checked, ' +
      'and named in a warning at the start. A flag that does not exist, or a value that it cannot have, ends the ' +
      'command with status 1. For `createServer` the same options are written `httpPort` for `--http-port`.',
    ...groups,
    oldFlags(),
    'See also: [errors](errors.md), [model configuration](model-config.md), [metrics](metrics.md).',
  ]);
}

/** The names of all flags. */
export function flagNames(): readonly string[] {
  const flags = Object.values(OPTION_GROUPS).flatMap((options) => Object.keys(options).map(flagOf));
  return [...flags, ...OLD_FLAGS.keys(), 'help'];
}

function groupTable(group: string, options: Readonly<Record<string, AnyOption>>): string {
  const rows = Object.entries(options).map(([key, option]) => [
    code(`--${flagOf(key)}`),
    code(option.form),
    defaultText(option.default),
    meaning(key, option),
  ]);
  return `## ${group}\n\n${table(['flag', 'value', 'default', 'what it does'], rows)}`;
}

function defaultText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? code(String(value))
    : '';
}

function meaning(key: string, option: AnyOption): string {
  const marks = [
    ...(OWN_OPTIONS.some((own) => own === key) ? ['**Nereid.**'] : []),
    ...(option.unsupported ? ['**Without effect yet.**'] : []),
  ];
  return [option.doc, ...marks].join(' ');
}

function oldFlags(): string {
  const rows = [...OLD_FLAGS].map(([flag, { isDeprecated, instead }]) => {
    const [name, value] = instead('<value>');
    return [
      code(`--${flag}=<value>`),
      code(`--${name}=${value}`),
      isDeprecated ? 'deprecated, with a warning' : '',
    ];
  });
  return `## Flags of old\n\n${table(['flag', 'stands for', ''], rows)}`;
}
