/** The bytes of the tensors of one turn: small ones in one buffer, large ones each in its own. */
import { isMarkedAsUntransferable } from 'node:worker_threads';

/** Where bytes lie: in which of the buffers that travel with a message, and where in it. */
export interface WireBytes {
  readonly buffer: number;
  readonly offset: number;
  readonly byteLength: number;
}

/** What a socket gives at once, in which several requests may lie, has at most this size. */
const LARGE_BYTE_SIZE = 65_536;

/** Tensors begin at a multiple of this, so that typed arrays can be laid on them. */
const ALIGNMENT = 8;

/** The first size of the buffer that small tensors share; it grows by doubling. */
const FIRST_BYTE_SIZE = 2048;

/** Who else may have the memory that bytes lie in. */
export type Ownership =
  /** A body larger than a socket gives at once: it has a buffer of its own, which is handed over. */
  | 'body'
  /** Anybody: a model may answer with bytes that it keeps. */
  | 'shared';

/** Collects bytes, each copied at once or handed over. */
export class TurnBytes {
  readonly #ownership: Ownership;
  #shared = new ArrayBuffer(FIRST_BYTE_SIZE);
  #used = 0;
  readonly #large: ArrayBuffer[] = [];

  constructor(ownership: Ownership) {
    this.#ownership = ownership;
  }

  add(data: Uint8Array): WireBytes {
    const { buffer, byteOffset, byteLength } = data;
    if (this.#ownership === 'body' && isBody(buffer)) {
      return { buffer: this.#indexOf(buffer), offset: byteOffset, byteLength };
    }
    if (byteLength > LARGE_BYTE_SIZE) {
      return { buffer: this.#indexOf(new Uint8Array(data).buffer), offset: 0, byteLength };
    }
    const offset = Math.ceil(this.#used / ALIGNMENT) * ALIGNMENT;
    this.#reserve(offset + byteLength);
    new Uint8Array(this.#shared, offset, byteLength).set(data);
    this.#used = offset + byteLength;
    return { buffer: 0, offset, byteLength };
  }

  /** The buffers, to be transferred: nothing of them is kept. */
  take(): ArrayBuffer[] {
    const shared = this.#used === 0 ? new ArrayBuffer(0) : this.#shared;
    if (this.#used > 0) this.#shared = new ArrayBuffer(FIRST_BYTE_SIZE);
    this.#used = 0;
    return [shared, ...this.#large.splice(0)];
  }

  /** The inputs of one request may lie in one body. */
  #indexOf(buffer: ArrayBuffer): number {
    const known = this.#large.indexOf(buffer);
    return 1 + (known >= 0 ? known : this.#large.push(buffer) - 1);
  }

  #reserve(byteSize: number): void {
    let size = this.#shared.byteLength;
    if (byteSize <= size) return;
    while (size < byteSize) size *= 2;
    this.#shared = this.#shared.transfer(size);
  }
}

/** Node's own pool, from which it cuts small buffers, is marked. */
function isBody(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return (
    buffer instanceof ArrayBuffer && buffer.byteLength > LARGE_BYTE_SIZE && !isMarkedAsUntransferable(buffer)
  );
}

/** Bytes as they arrived. */
export function viewOf(
  buffers: readonly ArrayBuffer[],
  { buffer, offset, byteLength }: WireBytes,
): Uint8Array {
  return new Uint8Array(buffers[buffer] ?? new ArrayBuffer(0), offset, byteLength);
}
