/** `1024`, and what vLLM reads as a number, too: `32k`, `1.5M`, `auto`. */
const INTEGER_TEXT = /^(-?\d+|\d+(\.\d+)?[kKmMgGtT]|auto)$/;
const LITERAL = /^Literal\[(.*)\]$/s;

interface TypeRule {
  readonly words: string;
  accepts(value: unknown): boolean;
}

const RULES: Readonly<Record<string, TypeRule>> = {
  int: {
    words: 'an integer',
    accepts: (value) =>
      Number.isSafeInteger(value) || (typeof value === 'string' && INTEGER_TEXT.test(value)),
  },
  float: {
    words: 'a number',
    accepts: (value) => isNumberText(value) || (typeof value === 'number' && Number.isFinite(value)),
  },
  bool: {
    words: 'true or false',
    accepts: (value) =>
      typeof value === 'boolean' || (typeof value === 'string' && /^(true|false)$/i.test(value)),
  },
  str: { words: 'text', accepts: (value) => typeof value === 'string' || typeof value === 'number' },
};

/**
 * What is wrong with a value for a type as Python writes it, such as `int | None` or `Literal['auto', 'half']`.
 *
 * @returns undefined when it is right, or when the type is one that only the engine understands.
 */
export function argumentFault(type: string, value: unknown): string | undefined {
  const members = splitUnion(type).filter((member) => member !== 'None');
  const rules = members.map(ruleOf);
  const known = rules.filter((rule) => rule !== undefined);
  if (known.length === 0 || known.length < rules.length || known.some((rule) => rule.accepts(value)))
    return undefined;
  return `must be ${known.map(({ words }) => words).join(' or ')}, found ${JSON.stringify(value)}`;
}

function ruleOf(member: string): TypeRule | undefined {
  const literal = LITERAL.exec(member)?.[1];
  if (literal === undefined) return RULES[member];
  const values = literal.split(',').map((item) => item.trim().replace(/^(['"])(.*)\1$/s, '$2'));
  return {
    words: values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`,
    accepts: (value) => typeof value !== 'object' && values.includes(String(value as string | number)),
  };
}

/** Members of `A | B`; what stands in brackets is not looked into. */
function splitUnion(type: string): readonly string[] {
  const optional = /^Optional\[(.*)\]$/s.exec(type);
  if (optional?.[1] !== undefined) return splitUnion(optional[1]);
  const members: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= type.length; at++) {
    const character = type[at];
    if (character === '[') depth += 1;
    if (character === ']') depth -= 1;
    if (character !== undefined && (character !== '|' || depth > 0)) continue;
    members.push(type.slice(start, at).trim());
    start = at + 1;
  }
  return members;
}

function isNumberText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));
}
