/** The smallest value that a JSON schema of the simple kind allows: what an engine with structured output would say. */
export function instanceOf(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return {};
  const { type, properties = {}, required, items, enum: choices } = schema as JsonSchema;
  if (choices !== undefined) return choices[0];
  switch (Array.isArray(type) ? type[0] : type) {
    case 'string':
      return 'word';
    case 'integer':
    case 'number':
      return 7;
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array':
      return [instanceOf(items)];
    default: {
      const names = required ?? Object.keys(properties);
      return Object.fromEntries(names.map((name) => [name, instanceOf(properties[name])]));
    }
  }
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly items?: unknown;
  readonly enum?: readonly unknown[];
}
