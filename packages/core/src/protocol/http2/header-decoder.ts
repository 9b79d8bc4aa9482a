/** HPACK (RFC 7541), the way in: a client's header blocks, and the table that both sides keep of earlier ones. */
import { DEFAULT_HEADER_TABLE_BYTE_SIZE, HTTP2_ERROR } from './frames.ts';
import { Http2ConnectionError } from './http2-error.ts';
import { decodeHuffman } from './huffman.ts';
import { HeaderField } from './header-field.ts';
import { STATIC_TABLE } from './static-table.ts';

/** Numbers longer than this can't mean anything here. */
const MAX_NUMBER_BYTE_SIZE = 5;

/**
 * Decodes the header blocks of one connection, each in its turn: also those of streams that are refused, since each may
 * change the table.
 */
export class HeaderDecoder {
  /** Latest last. */
  readonly #table: HeaderField[] = [];
  #tableByteSize = 0;
  #tableLimit = DEFAULT_HEADER_TABLE_BYTE_SIZE;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /**
   * @param take - Gets each field, in order.
   * @throws Http2ConnectionError COMPRESSION_ERROR when the block can't be decoded: nor can any later one.
   */
  decode(block: Buffer, take: (field: HeaderField) => void): void {
    this.#block = block;
    this.#at = 0;
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0;
      if ((first & 0x80) !== 0) {
        take(this.#fieldAt(this.#readNumber(7)));
      } else if ((first & 0x40) !== 0) {
        const field = this.#readLiteral(6);
        this.#remember(field);
        take(field);
      } else if ((first & 0x20) !== 0) {
        this.#resize(this.#readNumber(5));
      } else {
        take(this.#readLiteral(4));
      }
    }
  }

  #readLiteral(prefixBits: number): HeaderField {
    const index = this.#readNumber(prefixBits);
    const name = index === 0 ? this.#readText() : this.#fieldAt(index).name;
    return new HeaderField(name, this.#readText());
  }

  #fieldAt(index: number): HeaderField {
    const field =
      index <= STATIC_TABLE.length
        ? STATIC_TABLE[index - 1]
        : this.#table[this.#table.length - (index - STATIC_TABLE.length)];
    if (field === undefined) throw broken(`there is no header field ${index}`);
    return field;
  }

  #remember(field: HeaderField): void {
    this.#table.push(field);
    this.#tableByteSize += field.byteSize;
    this.#evict();
  }

  #resize(limit: number): void {
    if (limit > DEFAULT_HEADER_TABLE_BYTE_SIZE) throw broken(`a header table of ${limit} bytes`);
    this.#tableLimit = limit;
    this.#evict();
  }

  #evict(): void {
    while (this.#tableByteSize > this.#tableLimit) {
      const oldest = this.#table.shift();
      if (oldest === undefined) return;
      this.#tableByteSize -= oldest.byteSize;
    }
  }

  #readText(): string {
    const isPacked = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const byteSize = this.#readNumber(7);
    const from = this.#at;
    const to = from + byteSize;
    if (to > this.#block.length) throw broken('a header block that ends within a field');
    this.#at = to;
    if (!isPacked) return this.#block.toString('latin1', from, to);
    const text = decodeHuffman(this.#block, from, to);
    if (text === undefined) throw broken("a header field that is not in HPACK's Huffman code");
    return text;
  }

  /** A number that begins in the last bits of a byte. */
  #readNumber(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    const prefix = this.#readByte() & mask;
    if (prefix < mask) return prefix;
    let number = mask;
    for (let count = 0; count < MAX_NUMBER_BYTE_SIZE; count += 1) {
      const byte = this.#readByte();
      number += (byte & 0x7f) * 2 ** (7 * count);
      if ((byte & 0x80) === 0) return number;
    }
    throw broken('a number of too many bytes');
  }

  #readByte(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw broken('a header block that ends within a field');
    this.#at += 1;
    return byte;
  }
}

function broken(message: string): Http2ConnectionError {
  return new Http2ConnectionError(HTTP2_ERROR.COMPRESSION_ERROR, message);
}
