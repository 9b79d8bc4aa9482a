/** The smallest value that a JSON schema of the simple kind allows: what an engine with structured output would say. */
export function instanceOf(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return {};
  const { type, properties = {}, required, items, enum: choices } = schema as JsonSchema;
  if (choices !== undefined) return choices[0];
  const kind = [type].flat()[0] ?? 'object';
  if (Object.hasOwn(SCALARS, kind)) return SCALARS[kind];
  if (kind === 'array') return [instanceOf(items)];
  const names = required ?? Object.keys(properties);
  return Object.fromEntries(names.map((name) => [name, instanceOf(properties[name])]));
}

const SCALARS: Readonly<Record<string, unknown>> = {
  string: 'word',
  integer: 7,
  number: 7,
  boolean: true,
  null: null,
};

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly items?: unknown;
  readonly enum?: readonly unknown[];
}
