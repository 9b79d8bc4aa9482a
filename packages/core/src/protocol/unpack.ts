/** Unpacking compressed bodies and messages. A kilobyte may become a megabyte: all together are kept within bounds. */
import type { Transform } from 'node:stream';
import { createGunzip, createInflate, createUnzip } from 'node:zlib';

/** How bytes are packed; `unzip`: gzip or zlib, as the data itself says. */
export type PackedFormat = 'gunzip' | 'inflate' | 'unzip';

/** Why nothing was unpacked: more bytes than are taken, or damaged data. */
export type UnpackProblem = 'too large' | Error;

export type UnpackCallback = (problem: UnpackProblem | undefined, whole: Buffer) => void;

/** Beyond so many unpacked bytes, of all that is being unpacked, one goes on at a time. */
const SHARED_BYTE_SIZE = 256 * 2 ** 20;

/** Bytes packed from which large pieces are worth it. */
const LARGE_BYTE_SIZE = 16 * 1024;
const LARGE_PIECE_BYTE_SIZE = 256 * 1024;

const NOTHING = Buffer.alloc(0);

/** Unpacked bytes that were not handed on. */
let sharedByteSize = 0;
/** Goes on whatever the others hold, so that one always ends. */
let leader: Unpacking | undefined;
/** Those that wait, in turn. */
const waiting = new Set<Unpacking>();

/**
 * Unpacks bytes off this thread. Calls back later, once.
 *
 * @param maxByteSize - Where it is given up, in unpacked bytes.
 */
export function unpack(
  format: PackedFormat,
  packed: Buffer,
  { maxByteSize, done }: { readonly maxByteSize: number; readonly done: UnpackCallback },
): void {
  new Unpacking(createStream(format, packed.length), maxByteSize, done).start(packed);
}

/** One body or message. States: going on ⇄ waiting → over. */
class Unpacking {
  readonly #stream: Transform;
  readonly #maxByteSize: number;
  readonly #done: UnpackCallback;
  #pieces: Buffer[] = [];
  #byteSize = 0;
  #isOver = false;

  constructor(stream: Transform, maxByteSize: number, done: UnpackCallback) {
    this.#stream = stream;
    this.#maxByteSize = maxByteSize;
    this.#done = done;
  }

  start(packed: Buffer): void {
    this.#stream
      .on('data', (piece: Buffer) => this.#take(piece))
      .on('error', (error) => this.#end(error))
      .on('end', () => this.#end(undefined))
      .end(packed);
  }

  goOn(): void {
    this.#stream.resume();
  }

  #take(piece: Buffer): void {
    if (this.#isOver) return;
    this.#pieces.push(piece);
    this.#byteSize += piece.length;
    sharedByteSize += piece.length;
    if (this.#byteSize > this.#maxByteSize) this.#end('too large');
    else if (sharedByteSize > SHARED_BYTE_SIZE && !leads(this)) this.#wait();
  }

  #wait(): void {
    this.#stream.pause();
    waiting.add(this);
  }

  #end(problem: UnpackProblem | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const [only = NOTHING] = this.#pieces;
    const isWhole = problem === undefined && this.#pieces.length > 1;
    const whole = isWhole ? Buffer.concat(this.#pieces, this.#byteSize) : only;
    this.#pieces = [];
    sharedByteSize -= this.#byteSize;
    if (leader === this) leader = undefined;
    this.#stream.destroy();
    wake();
    this.#done(problem, problem === undefined ? whole : NOTHING);
  }
}

/** Whether it goes on: it does when nobody else leads. */
function leads(unpacking: Unpacking): boolean {
  leader ??= unpacking;
  return leader === unpacking;
}

function wake(): void {
  for (const next of waiting) {
    const isAlone = sharedByteSize > SHARED_BYTE_SIZE;
    if (isAlone && leader !== undefined) return;
    if (isAlone) leader = next;
    waiting.delete(next);
    next.goOn();
  }
}

function createStream(format: PackedFormat, byteSize: number): Transform {
  const options = byteSize > LARGE_BYTE_SIZE ? { chunkSize: LARGE_PIECE_BYTE_SIZE } : {};
  if (format === 'gunzip') return createGunzip(options);
  return format === 'inflate' ? createInflate(options) : createUnzip(options);
}
