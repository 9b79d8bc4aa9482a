/** Kinds of options: how each is written, read from text and checked. */

/** One option. `Default` is undefined when it may be absent. */
export interface OptionSpec<Value, Default extends Value | undefined> {
  readonly doc: string;
  readonly default: Default;
  /** How its value is written: `<integer>`; in an error, what was expected. */
  readonly form: string;
  readonly expected: string;
  /** Whether the value may be left out on the command line: `--allow-http` is `--allow-http=true`. */
  readonly isSwitch: boolean;
  /** Whether giving it has no effect yet. */
  readonly unsupported: boolean;
  /** Reads a value, and adds it to what was given before where the option may be repeated; undefined: it is bad. */
  parse(text: string, before: unknown): Value | undefined;
  isValid(value: unknown): value is Value;
}

/** Amounts by what they are for, in text: `{ size: '1048576' }`. */
export type Settings = Readonly<Record<string, string>>;

/** Settings by the name of what they are for; '' for all. */
export type ScopedSettings = Readonly<Record<string, Settings>>;

/** Groups of APIs that need a header with a value. */
export interface ApiRestriction {
  readonly groups: readonly string[];
  readonly header: string;
  readonly value: string;
}

/** How many units of a resource there are, on one device or on each. */
export interface RateLimitResource {
  readonly name: string;
  readonly count: number;
  readonly device?: number;
}

/** The groups that can be restricted. */
export const API_GROUPS = [
  'health',
  'metadata',
  'inference',
  'shared-memory',
  'model-config',
  'model-repository',
  'statistics',
  'trace',
  'logging',
] as const;

const TRUE = ['true', 'on', '1'];
const FALSE = ['false', 'off', '0'];

/** Whether a text is a value of a switch, so that `--flag value` can be told from `--flag --other`. */
export function isSwitchValue(text: string): boolean {
  return [...TRUE, ...FALSE].includes(text.toLowerCase());
}

export function boolean<D extends boolean | undefined>(fallback: D, doc: string): OptionSpec<boolean, D> {
  return {
    ...base(fallback, doc, '<boolean>', 'true or false'),
    isSwitch: true,
    parse: (text) => (isSwitchValue(text) ? TRUE.includes(text.toLowerCase()) : undefined),
    isValid: (value) => typeof value === 'boolean',
  };
}

/** Bounds of a number, both included. */
export interface Bounds {
  readonly least?: number;
  readonly most?: number;
}

const INT32_MAX = 2 ** 31 - 1;

export function integer<D extends number | undefined>(
  fallback: D,
  doc: string,
  { least = 0, most = INT32_MAX }: Bounds = {},
): OptionSpec<number, D> {
  return {
    ...base(fallback, doc, '<integer>', `an integer from ${least} to ${most}`),
    parse: (text) => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined),
    isValid: (value): value is number => Number.isInteger(value) && isBetween(value, least, most),
  };
}

/** An integer for which `true` stands for 1 and `false` for 0. */
export function level(fallback: number, doc: string): OptionSpec<number, number> {
  const spec = integer(fallback, doc);
  return {
    ...spec,
    isSwitch: true,
    parse: (text, before) => {
      const word = text.toLowerCase();
      if (word === 'true') return 1;
      return word === 'false' ? 0 : spec.parse(text, before);
    },
  };
}

export function decimal<D extends number | undefined>(fallback: D, doc: string): OptionSpec<number, D> {
  return {
    ...base(fallback, doc, '<number>', 'a number, not negative'),
    parse: (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined),
    isValid: (value) => isBetween(value, 0, Number.MAX_VALUE),
  };
}

export function text<D extends string | undefined>(fallback: D, doc: string): OptionSpec<string, D> {
  return {
    ...base(fallback, doc, '<string>', 'a text'),
    parse: (value) => value,
    isValid: (value) => typeof value === 'string',
  };
}

/** One of a few words; upper and lower case are the same where the words allow it. */
export function choice<C extends string>(
  choices: readonly C[],
  fallback: NoInfer<C>,
  doc: string,
): OptionSpec<C, C> {
  return {
    ...base(fallback, doc, `<${choices.join('|')}>`, `one of ${choices.join(', ')}`),
    parse: (word) => choices.find((c) => c.toLowerCase() === word.toLowerCase()),
    isValid: (value): value is C => choices.some((c) => c === value),
  };
}

/** Texts; the option may be repeated. */
export function texts<D extends readonly string[] | undefined>(
  fallback: D,
  doc: string,
): OptionSpec<readonly string[], D> {
  return {
    ...base(fallback, doc, '<string>', 'a text'),
    parse: (value, before) => [...(isTexts(before) ? before : []), value],
    isValid: isTexts,
  };
}

/** `<setting>=<value>`; the option may be repeated, and the last value of a setting counts. */
export function settings(doc: string): OptionSpec<Settings, Settings> {
  return {
    ...base({}, doc, '<setting>=<value>', '<setting>=<value>'),
    parse: (pair, before) => {
      const [name, value] = splitAt(pair, '=');
      if (name === '' || value === undefined || value === '' || name.includes(',')) return undefined;
      return { ...(isSettings(before) ? before : {}), [name]: value };
    },
    isValid: isSettings,
  };
}

/** What may be said of scoped settings. */
export interface ScopeRules {
  /** How the scope is called: `backend`. */
  readonly scope: string;
  /** Whether settings for all (`,<setting>=<value>` or `<setting>=<value>`) make sense. */
  readonly forAll: boolean;
  /** Settings whose values add up, separated by commas, when they are given again. */
  readonly joined?: readonly string[];
}

/** `<scope>,<setting>=<value>`; the option may be repeated. */
export function scopedSettings(doc: string, rules: ScopeRules): OptionSpec<ScopedSettings, ScopedSettings> {
  const form = rules.forAll ? `[<${rules.scope}>],<setting>=<value>` : `<${rules.scope}>,<setting>=<value>`;
  return {
    ...base({}, doc, form, form),
    parse: (line, before) => {
      const [left, value] = splitAt(line, '=');
      const [first, second] = splitAt(left, ',');
      const [scope, name] = second === undefined ? ['', first] : [first, second];
      if (name === '' || value === undefined || value === '' || (scope === '' && !rules.forAll))
        return undefined;
      const all = isScopedSettings(before) ? before : {};
      const old = all[scope]?.[name];
      const joined = old !== undefined && rules.joined?.includes(name) === true ? `${old},${value}` : value;
      return { ...all, [scope]: { ...all[scope], [name]: joined } };
    },
    isValid: isScopedSettings,
  };
}

/** `<group>,<group>:<header>=<value>`; the option may be repeated. Which groups there are is checked later. */
export function restrictions(doc: string): OptionSpec<readonly ApiRestriction[], readonly ApiRestriction[]> {
  const form = '<group>[,<group>]:<header>=<value>';
  return {
    ...base([], doc, form, form),
    parse: (line, before) => {
      const [groups, header, value] = restrictionParts(line);
      if (groups === '' || header === '' || value === undefined) return undefined;
      return [...(isRestrictions(before) ? before : []), { groups: groups.split(','), header, value }];
    },
    isValid: isRestrictions,
  };
}

/** `<device>:<amount>`; the option may be repeated. */
export function perDevice(
  doc: string,
): OptionSpec<Readonly<Record<string, number>>, Readonly<Record<string, number>>> {
  return {
    ...base({}, doc, '<device>:<amount>', '<device>:<amount>'),
    parse: (line, before) => {
      const match = /^(\d+):(\d+(?:\.\d+)?)$/.exec(line);
      return match === null
        ? undefined
        : { ...(isAmounts(before) ? before : {}), [match[1] ?? '']: Number(match[2]) };
    },
    isValid: isAmounts,
  };
}

/** `<resource>:<count>[:<device>]`; the option may be repeated. */
export function resources(
  doc: string,
): OptionSpec<readonly RateLimitResource[], readonly RateLimitResource[]> {
  const form = '<resource>:<count>[:<device>]';
  return {
    ...base([], doc, form, form),
    parse: (line, before) => {
      const match = /^([^:]+):(\d+)(?::(\d+))?$/.exec(line);
      if (match === null) return undefined;
      const [, name = '', count, device] = match;
      const resource = {
        name,
        count: Number(count),
        ...(device !== undefined && { device: Number(device) }),
      };
      return [...(isResources(before) ? before : []), resource];
    },
    isValid: isResources,
  };
}

/** `<least>-<most>` */
export function portRange(doc: string): OptionSpec<string, undefined> {
  return {
    ...text(undefined, doc),
    form: '<integer>-<integer>',
    expected: '<integer>-<integer>',
    isValid: (value): value is string => typeof value === 'string' && /^\d+-\d+$/.test(value),
  };
}

/** The same option, known and checked but without effect yet. */
export function notYet<V, D extends V | undefined>(spec: OptionSpec<V, D>): OptionSpec<V, D> {
  return { ...spec, unsupported: true };
}

function base<D>(fallback: D, doc: string, form: string, expected: string) {
  return { default: fallback, doc, form, expected, isSwitch: false, unsupported: false };
}

/** `a=b=c` at `=` → `a`, `b=c`; the second is undefined when the separator is not there. */
function splitAt(value: string, separator: string): [string, string | undefined] {
  const at = value.indexOf(separator);
  return at < 0 ? [value, undefined] : [value.slice(0, at), value.slice(at + separator.length)];
}

function restrictionParts(line: string): [string, string, string | undefined] {
  const [groups, rest = ''] = splitAt(line, ':');
  return [groups, ...splitAt(rest, '=')];
}

function isBetween(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isSettings(value: unknown): value is Settings {
  return isRecord(value) && Object.values(value).every((item) => typeof item === 'string');
}

function isScopedSettings(value: unknown): value is ScopedSettings {
  return isRecord(value) && Object.values(value).every(isSettings);
}

function isAmounts(value: unknown): value is Readonly<Record<string, number>> {
  return isRecord(value) && Object.values(value).every((item) => typeof item === 'number');
}

function isRestrictions(value: unknown): value is readonly ApiRestriction[] {
  return (
    Array.isArray(value) &&
    value.every(
      (item: unknown) =>
        isRecord(item) &&
        isTexts(item['groups']) &&
        typeof item['header'] === 'string' &&
        typeof item['value'] === 'string',
    )
  );
}

function isResources(value: unknown): value is readonly RateLimitResource[] {
  return (
    Array.isArray(value) &&
    value.every(
      (item: unknown) =>
        isRecord(item) && typeof item['name'] === 'string' && typeof item['count'] === 'number',
    )
  );
}
