import type { AnswerBody } from './answer-body.ts';
import { BadAnswerError, quote } from './bad-answer-error.ts';

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const SPACE = 0x20;
const TAB = 0x09;

/** Of the line before a chunk, and of all that comes after the last one. */
const MAX_LINE_BYTES = 4096;
const MAX_TRAILER_BYTES = 65_536;
/** 12 digits: no chunk is of 256 TiB. */
const MAX_SIZE = 16 ** 12;

/** What comes next. */
type Step = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'end-lf' | 'done';

/**
 * A body in chunks (RFC 9112, section 7.1). What one read brought is one piece, however many chunks it is: the chunks are
 * moved together in its place, so that all of them go on in one step.
 */
export class ChunkedBody implements AnswerBody {
  surplus = 0;
  #step: Step = 'size';
  #size = 0;
  #hasSize = false;
  /** Bytes of the line, or of the trailers, so far. */
  #lineBytes = 0;
  /** Whether a line of the trailers has begun. */
  #isInTrailer = false;

  get isDone(): boolean {
    return this.#step === 'done';
  }

  take(bytes: Buffer): Buffer {
    let start = 0;
    let end = 0;
    let at = 0;
    while (at < bytes.length && this.#step !== 'done') {
      if (this.#step !== 'data') {
        this.#takeByte(bytes[at] ?? 0);
        at += 1;
        continue;
      }
      const length = Math.min(this.#size, bytes.length - at);
      if (end === start) start = end = at;
      else bytes.copyWithin(end, at, at + length);
      end += length;
      at += length;
      this.#size -= length;
      if (this.#size === 0) this.#step = 'data-cr';
    }
    this.surplus = bytes.length - at;
    return bytes.subarray(start, end);
  }

  #takeByte(byte: number): void {
    switch (this.#step) {
      case 'size':
        this.#takeSize(byte);
        break;
      case 'extension':
        this.#count(MAX_LINE_BYTES, 'a chunk size');
        if (byte === CR) this.#step = 'size-lf';
        break;
      case 'size-lf':
        expect(byte, LF, 'a line feed behind the size of a chunk');
        this.#endSize();
        break;
      case 'data-cr':
        expect(byte, CR, 'a line end behind a chunk');
        this.#step = 'data-lf';
        break;
      case 'data-lf':
        expect(byte, LF, 'a line end behind a chunk');
        this.#step = 'size';
        break;
      case 'trailer':
        this.#takeTrailer(byte);
        break;
      case 'end-lf':
        expect(byte, LF, 'a line feed at the end of the body');
        this.#step = 'done';
        break;
      default:
    }
  }

  #takeSize(byte: number): void {
    const digit = digitOf(byte);
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit;
      this.#hasSize = true;
      if (this.#size >= MAX_SIZE) throw new BadAnswerError(`expected a chunk of less than ${MAX_SIZE} bytes`);
      return;
    }
    const isEnd = byte === CR || byte === SEMICOLON || byte === SPACE || byte === TAB;
    if (!this.#hasSize || !isEnd) throw unexpected('the size of a chunk in hexadecimal digits', byte);
    this.#step = byte === CR ? 'size-lf' : 'extension';
  }

  #endSize(): void {
    this.#step = this.#size === 0 ? 'trailer' : 'data';
    this.#hasSize = false;
    this.#lineBytes = 0;
  }

  /** Trailers say nothing that is asked for here. */
  #takeTrailer(byte: number): void {
    this.#count(MAX_TRAILER_BYTES, 'trailers');
    if (byte === CR && !this.#isInTrailer) this.#step = 'end-lf';
    else this.#isInTrailer = byte !== LF;
  }

  #count(most: number, what: string): void {
    this.#lineBytes += 1;
    if (this.#lineBytes > most) throw new BadAnswerError(`expected ${what} of at most ${most} bytes`);
  }
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function expect(byte: number, wanted: number, what: string): void {
  if (byte !== wanted) throw unexpected(what, byte);
}

function unexpected(what: string, byte: number): BadAnswerError {
  return new BadAnswerError(`expected ${what}, found ${quote(String.fromCharCode(byte))}`);
}
