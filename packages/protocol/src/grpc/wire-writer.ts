/** Integers below this take the path without bigint; every length, dimension and count in practice. */
const SMALL = 2 ** 28;

/** Above this length one native call is quicker than a loop over the characters. */
const SHORT_STRING = 32;

/**
 * Writes protobuf into a buffer that has exactly the right size: add up the sizes first, with the functions
 * below. All tags are one byte, as all fields of the infer messages have numbers below 16.
 */
export class WireWriter {
  readonly buffer: Buffer;
  #position = 0;

  /** @param allocate - Need not give zeros. */
  constructor(byteSize: number, allocate: (byteSize: number) => Buffer = Buffer.allocUnsafe) {
    this.buffer = allocate(byteSize);
  }

  tag(tag: number): void {
    this.buffer[this.#position++] = tag;
  }

  /** An int64, uint64 or length; negative numbers take ten bytes. */
  varint(value: number | bigint): void {
    if (typeof value === 'bigint' || value < 0 || value >= SMALL) return this.#largeVarint(BigInt(value));
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.#position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.#position++] = rest;
  }

  double(value: number): void {
    this.#position = this.buffer.writeDoubleLE(value, this.#position);
  }

  /** The header of an embedded message, whose `byteSize` bytes the caller writes next. */
  message(tag: number, byteSize: number): void {
    this.tag(tag);
    this.varint(byteSize);
  }

  /** A string field, written even when empty. */
  string(tag: number, text: string): void {
    const byteSize = utf8ByteSize(text);
    this.message(tag, byteSize);
    if (byteSize === text.length && byteSize <= SHORT_STRING) {
      for (let index = 0; index < byteSize; index++) this.buffer[this.#position++] = text.charCodeAt(index);
    } else {
      this.#position += this.buffer.write(text, this.#position, byteSize, 'utf8');
    }
  }

  /** A string field as proto3 has it: nothing when empty. */
  optionalString(tag: number, text: string): void {
    if (text !== '') this.string(tag, text);
  }

  /** A bytes field, written even when empty. */
  bytes(tag: number, bytes: Uint8Array): void {
    this.message(tag, bytes.length);
    this.buffer.set(bytes, this.#position);
    this.#position += bytes.length;
  }

  /** `repeated int64`, packed; nothing when empty. */
  packedInt64(tag: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.message(tag, varintsByteSize(values));
    for (const value of values) this.varint(value);
  }

  #largeVarint(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.buffer[this.#position++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.#position++] = Number(rest);
  }
}

/** Bytes of an int64, uint64 or length as a varint. */
export function varintByteSize(value: number | bigint): number {
  if (typeof value === 'bigint' || value < 0 || value >= SMALL) return largeVarintByteSize(BigInt(value));
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x20_0000 ? 3 : 4;
}

/** Bytes of a length-delimited field with its tag and length. */
export function delimitedByteSize(byteSize: number): number {
  return 1 + varintByteSize(byteSize) + byteSize;
}

/** Bytes of a string field, written even when empty. */
export function stringByteSize(text: string): number {
  return delimitedByteSize(utf8ByteSize(text));
}

/** Bytes of a string field as proto3 has it: 0 when empty. */
export function optionalStringByteSize(text: string): number {
  return text === '' ? 0 : stringByteSize(text);
}

/** Bytes of a packed `repeated int64` field; 0 when empty. */
export function packedInt64ByteSize(values: readonly number[]): number {
  return values.length === 0 ? 0 : delimitedByteSize(varintsByteSize(values));
}

function utf8ByteSize(text: string): number {
  if (text.length > SHORT_STRING) return Buffer.byteLength(text);
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) >= 0x80) return Buffer.byteLength(text);
  }
  return text.length;
}

function varintsByteSize(values: readonly number[]): number {
  let byteSize = 0;
  for (const value of values) byteSize += varintByteSize(value);
  return byteSize;
}

function largeVarintByteSize(value: bigint): number {
  let byteSize = 1;
  for (let rest = BigInt.asUintN(64, value) >> 7n; rest > 0n; rest >>= 7n) byteSize++;
  return byteSize;
}
