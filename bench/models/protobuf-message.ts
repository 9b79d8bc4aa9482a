/** Just enough of the protobuf encoding to write a small message by hand. */

/** One field: its tag and its value. */
type Field = Uint8Array;

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** A non-negative integer. */
export function integerField(number: number, value: number): Field {
  return Buffer.concat([varint(number * 8), varint(value)]);
}

export function bytesField(number: number, value: Uint8Array): Field {
  return Buffer.concat([varint(number * 8 + 2), varint(value.length), value]);
}

export function stringField(number: number, value: string): Field {
  return bytesField(number, Buffer.from(value, 'utf8'));
}

/** A message inside a message. */
export function messageField(number: number, fields: readonly Field[]): Field {
  return bytesField(number, message(fields));
}

export function message(fields: readonly Field[]): Uint8Array {
  return Buffer.concat(fields);
}
