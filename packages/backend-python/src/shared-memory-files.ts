import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

/** Sizes of places are powers of two, from this on, so that frames of much the same size share them. */
const SMALLEST = 1 << 16;
const PROGRESS_HEAD_BYTES = 16;

/** Where a process has the memory files that it shares with the server. */
export interface MemoryPaths {
  /** Written here, mapped by the process. */
  readonly inputs: string;
  /** Written by the process. */
  readonly outputs: string;
  /** Written by the process: uint64 the batch that the model got last, uint64 bytes held, and these bytes. */
  readonly progress: string;
}

/** What a process leaves behind. */
export interface Legacy {
  /** The batch that the model got last. */
  readonly lastBegun: number;
  /** Frames that waited to be sent; some of them may have been. */
  readonly held: Buffer;
}

/** Memory that is about to be filled. */
export type Allocate = (byteSize: number) => Uint8Array<ArrayBuffer>;

/**
 * The tensors of large frames. They are written to and read from memory files with system calls: as many copies as
 * through a mapping, and a file that has gone or is full is an error to act upon, not a signal.
 */
export class SharedMemoryFiles {
  readonly #allocate: Allocate;
  readonly #inputs: number;
  readonly #outputs: number;
  readonly #progress: number;
  readonly #sizes = new Map<number, number>();
  readonly #free = new Map<number, number[]>();
  #end = 0;

  /** @throws Error of the system when a file can't be opened. */
  constructor({ inputs, outputs, progress }: MemoryPaths, allocate: Allocate) {
    this.#allocate = allocate;
    const opened: number[] = [];
    const open = (path: string, flags: string): number => {
      const file = openSync(path, flags);
      opened.push(file);
      return file;
    };
    try {
      this.#inputs = open(inputs, 'r+');
      this.#outputs = open(outputs, 'r');
      this.#progress = open(progress, 'r');
    } catch (error) {
      for (const file of opened) closeSync(file);
      throw error;
    }
  }

  /** What a process that has ended left behind. */
  readLegacy(): Legacy {
    const head = Buffer.alloc(PROGRESS_HEAD_BYTES);
    readSync(this.#progress, head, 0, head.length, 0);
    const held = Buffer.alloc(Number(head.readBigUInt64LE(8)));
    readSync(this.#progress, held, 0, held.length, head.length);
    return { lastBegun: Number(head.readBigUInt64LE(0)), held };
  }

  /** Writes tensors; returns their place, or undefined where there is no memory for them. */
  put(tensors: readonly Uint8Array[], byteSize: number): number | undefined {
    const capacity = Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(byteSize)));
    let place: number | undefined;
    try {
      place = this.#free.get(capacity)?.pop() ?? this.#append(capacity);
      let at = place;
      for (const tensor of tensors) {
        writeAll(this.#inputs, tensor, at);
        at += tensor.byteLength;
      }
      return place;
    } catch {
      if (place !== undefined) this.release(place);
      return undefined;
    }
  }

  /** The process needs the tensors of that place no more. */
  release(place: number): void {
    const capacity = this.#sizes.get(place);
    if (capacity === undefined) return;
    const free = this.#free.get(capacity);
    if (free === undefined) this.#free.set(capacity, [place]);
    else free.push(place);
  }

  /** Tensors that the process has written, as a copy. */
  take(place: number, byteSize: number): Buffer {
    const { buffer, byteOffset } = this.#allocate(byteSize);
    const tensors = Buffer.from(buffer, byteOffset, byteSize);
    let at = 0;
    // One call reads 2 GiB at most.
    while (at < byteSize) {
      const read = readSync(this.#outputs, tensors, at, byteSize - at, place + at);
      if (read === 0)
        throw new RangeError(`a place of ${byteSize} bytes at ${place} lies outside of its memory file`);
      at += read;
    }
    return tensors;
  }

  close(): void {
    closeSync(this.#inputs);
    closeSync(this.#outputs);
    closeSync(this.#progress);
  }

  #append(capacity: number): number {
    const place = this.#end;
    // A mapping may not end behind its file.
    ftruncateSync(this.#inputs, place + capacity);
    this.#end += capacity;
    this.#sizes.set(place, capacity);
    return place;
  }
}

function writeAll(file: number, data: Uint8Array, position: number): void {
  let at = 0;
  while (at < data.byteLength) at += writeSync(file, data, at, data.byteLength - at, position + at);
}
