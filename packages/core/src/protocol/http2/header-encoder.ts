/** HPACK (RFC 7541), the way out. */
import { DEFAULT_HEADER_TABLE_BYTE_SIZE } from './frames.ts';
import { STATIC_TABLE } from './static-table.ts';

/** Fields of an answer, in order: `:status` first. */
export type AnswerHeaders = readonly (readonly [name: string, value: string])[];

/** A size of the client's table, at the beginning of a block: none. */
const NO_TABLE = 0x20;

const WHOLE_FIELDS = new Map(STATIC_TABLE.map(({ name, value }, at) => [`${name} ${value}`, at + 1]));
/** By name, the first index. */
const NAMES = new Map(STATIC_TABLE.map(({ name }, at) => [name, at + 1] as const).toReversed());

/**
 * Encodes the headers of one connection's answers. Those that are the same in nearly every answer are put into the
 * client's table when they are first sent, and stand as a byte each from then on. There are few, so nothing is ever
 * dropped from the table.
 */
export class HeaderEncoder {
  /** What the client's table has, oldest first. */
  readonly #table: string[] = [];
  /** Blocks that may be sent as they are, until something is put into the table. */
  readonly #blocks = new Map<AnswerHeaders, Buffer>();
  #usesTable = true;
  /** The client is still to be told that its table is not used. */
  #tellsNoTable = false;

  /** The client's SETTINGS_HEADER_TABLE_SIZE. With less than usual the table is not used. */
  limitTable(byteSize: number): void {
    if (byteSize >= DEFAULT_HEADER_TABLE_BYTE_SIZE || !this.#usesTable) return;
    this.#usesTable = false;
    this.#tellsNoTable = true;
    this.#blocks.clear();
  }

  /**
   * Encodes headers that are sent again and again: the same object each time.
   *
   * @returns A block that must be sent before the next one is encoded, and not be written to.
   */
  encodeRepeated(headers: AnswerHeaders): Buffer {
    const known = this.#blocks.get(headers);
    if (known !== undefined) return known;
    const size = this.#table.length;
    const isTold = !this.#tellsNoTable;
    const block = this.#encode(headers, this.#usesTable);
    // One that has put something into the table, or told of it, is right only once.
    if (this.#table.length === size && isTold) this.#blocks.set(headers, block);
    else this.#blocks.clear();
    return block;
  }

  /** Encodes headers that are seldom the same. */
  encode(headers: AnswerHeaders): Buffer {
    return this.#encode(headers, false);
  }

  #encode(headers: AnswerHeaders, remembers: boolean): Buffer {
    const bytes: number[] = [];
    if (this.#tellsNoTable) bytes.push(NO_TABLE);
    this.#tellsNoTable = false;
    for (const [name, value] of headers) this.#encodeField(bytes, { name, value, remembers });
    return Buffer.from(bytes);
  }

  #encodeField(
    bytes: number[],
    {
      name,
      value,
      remembers,
    }: { readonly name: string; readonly value: string; readonly remembers: boolean },
  ): void {
    const field = `${name} ${value}`;
    const at = this.#usesTable ? this.#table.indexOf(field) : -1;
    const index =
      WHOLE_FIELDS.get(field) ?? (at < 0 ? undefined : STATIC_TABLE.length + this.#table.length - at);
    if (index !== undefined) {
      pushNumber(bytes, { number: index, prefixBits: 7, flags: 0x80 });
      return;
    }
    const nameIndex = NAMES.get(name) ?? 0;
    if (remembers) pushNumber(bytes, { number: nameIndex, prefixBits: 6, flags: 0x40 });
    else pushNumber(bytes, { number: nameIndex, prefixBits: 4, flags: 0 });
    if (nameIndex === 0) pushText(bytes, name);
    pushText(bytes, value);
    if (remembers) this.#table.push(field);
  }
}

function pushText(bytes: number[], text: string): void {
  pushNumber(bytes, { number: text.length, prefixBits: 7, flags: 0 });
  for (let at = 0; at < text.length; at += 1) bytes.push(text.charCodeAt(at) & 0xff);
}

/** A number that begins in the last bits of a byte, whose first bits are flags. */
function pushNumber(
  bytes: number[],
  {
    number,
    prefixBits,
    flags,
  }: { readonly number: number; readonly prefixBits: number; readonly flags: number },
): void {
  const mask = (1 << prefixBits) - 1;
  if (number < mask) {
    bytes.push(flags | number);
    return;
  }
  bytes.push(flags | mask);
  let left = number - mask;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push(0x80 | (left % 128));
  bytes.push(left);
}
