import { InferenceServerError } from '../inference-server-error.ts';

/** The last three bits of a tag: how the value that follows is laid out. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Above this length one native call is quicker than a loop over the characters. */
const SHORT_STRING = 32;

const TWO_TO_32 = 2 ** 32;

/**
 * Reads protobuf from bytes, field by field: `tag()`, then the method for what the tag announces, or
 * `skip(tag)`. Everything is checked against the end of the bytes; what cannot be read throws {@link
 * malformedMessage}.
 */
export class WireReader {
  readonly bytes: Uint8Array;
  position = 0;
  /** Low 32 bits of the last varint, as a signed integer. */
  low = 0;
  /** High 32 bits of the last varint, as a signed integer. */
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** A field's number and wire type as one number: `field << 3 | wireType`. */
  tag(): number {
    this.varint();
    const tag = this.low >>> 0;
    if (this.high !== 0 || tag < 8) throw malformedMessage();
    return tag;
  }

  /** Reads a varint of up to 64 bits into `low` and `high`. */
  varint(): void {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.low = low;
        this.high = 0;
        return;
      }
    }
    const middle = this.#byte();
    this.low = low | ((middle & 0x0f) << 28);
    this.high = (middle & 0x7f) >> 4;
    if (middle < 0x80) return;
    for (let shift = 3; shift < 32; shift += 7) {
      const byte = this.#byte();
      this.high |= (byte & 0x7f) << shift;
      if (byte < 0x80) return;
    }
    throw malformedMessage();
  }

  bool(): boolean {
    this.varint();
    return this.low !== 0 || this.high !== 0;
  }

  int64(): number | bigint {
    this.varint();
    const value = this.high * TWO_TO_32 + (this.low >>> 0);
    if (Number.isSafeInteger(value)) return value;
    return (BigInt(this.high) << 32n) | BigInt(this.low >>> 0);
  }

  uint64(): number | bigint {
    this.varint();
    const value = (this.high >>> 0) * TWO_TO_32 + (this.low >>> 0);
    if (Number.isSafeInteger(value)) return value;
    return (BigInt(this.high >>> 0) << 32n) | BigInt(this.low >>> 0);
  }

  double(): number {
    const start = this.position;
    this.#advance(8);
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + start, 8).getFloat64(0, true);
  }

  /**
   * Reads the length of a length-delimited field; its bytes are those from `position` to the end returned.
   */
  delimited(): number {
    this.varint();
    const end = this.position + (this.low >>> 0);
    if (this.high !== 0 || end > this.bytes.length) throw malformedMessage();
    return end;
  }

  /** A length-delimited field as a view: nothing is copied. */
  view(): Uint8Array {
    const end = this.delimited();
    const view = this.bytes.subarray(this.position, end);
    this.position = end;
    return view;
  }

  string(): string {
    const end = this.delimited();
    const start = this.position;
    this.position = end;
    return decodeText(this.bytes, start, end);
  }

  /** Passes over a field that is not known, or that has another wire type than it should. */
  skip(tag: number): void {
    switch (tag & 7) {
      case VARINT:
        return this.varint();
      case FIXED64:
        return this.#advance(8);
      case LENGTH_DELIMITED:
        this.position = this.delimited();
        return;
      case FIXED32:
        return this.#advance(4);
      default:
        throw malformedMessage();
    }
  }

  /** To be called at the end of an embedded message: throws when its last field ran past it. */
  expectEnd(end: number): void {
    if (this.position !== end) throw malformedMessage();
  }

  #advance(count: number): void {
    this.position += count;
    if (this.position > this.bytes.length) throw malformedMessage();
  }

  #byte(): number {
    const byte = this.bytes[this.position++];
    if (byte === undefined) throw malformedMessage();
    return byte;
  }
}

/** What Triton answers to bytes that are not the message they should be. */
export function malformedMessage(): InferenceServerError {
  return new InferenceServerError('INTERNAL', 'Unable to parse request');
}

function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > SHORT_STRING) return decodeUtf8(bytes, start, end);
  let text = '';
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x80) return decodeUtf8(bytes, start, end);
    text += String.fromCharCode(byte);
  }
  return text;
}

/** proto3 strings must be UTF-8; a byte order mark is part of the text. */
function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(start, end));
  } catch {
    throw malformedMessage();
  }
}
