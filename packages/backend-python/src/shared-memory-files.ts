import type { MemoryFile, MemorySharing } from '@nereid/backend-sdk';
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

/** Sizes of places are powers of two, from this on, so that frames of much the same size share them. */
const SMALLEST = 1 << 16;
const PROGRESS_HEAD_BYTES = 16;
/** Tensors of fewer bytes are copied sooner than mapped. */
const SMALLEST_MAPPED = 1 << 20;
/** What of a process is mapped at most. It has to make other places for what comes meanwhile. */
const MOST_MAPPED = { pieces: 32, bytes: 128 << 20 };

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

/** Where tensors that come from a process are put. */
export interface TensorMemory {
  readonly allocate: Allocate;
  /** undefined: they are copied. */
  shareMemory(): MemorySharing | undefined;
}

/**
 * The tensors of large frames. They are written to memory files with system calls: as many copies as through a mapping,
 * and a file that has gone or is full is an error to act upon, not a signal. The largest that come from a process are
 * read where they are, the others copied with system calls, too.
 */
export class SharedMemoryFiles {
  readonly #memory: TensorMemory;
  readonly #outputsPath: string;
  /** null: it can't be mapped. */
  #mappable: MemoryFile | null | undefined;
  readonly #mapped = { pieces: 0, bytes: 0 };
  readonly #inputs: number;
  readonly #outputs: number;
  readonly #progress: number;
  readonly #sizes = new Map<number, number>();
  readonly #free = new Map<number, number[]>();
  #end = 0;

  /** @throws Error of the system when a file can't be opened. */
  constructor({ inputs, outputs, progress }: MemoryPaths, memory: TensorMemory) {
    this.#memory = memory;
    this.#outputsPath = outputs;
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

  /**
   * Tensors that the process has written.
   *
   * @param giveBack - Called once when the place is needed no more: at once when they were copied.
   */
  take(place: number, byteSize: number, giveBack: () => void): Buffer {
    const mapped = byteSize < SMALLEST_MAPPED ? undefined : this.#map(place, byteSize, giveBack);
    if (mapped !== undefined) return mapped;
    const copy = this.#copy(place, byteSize);
    giveBack();
    return copy;
  }

  close(): void {
    this.#mappable?.close();
    this.#mappable = null;
    closeSync(this.#inputs);
    closeSync(this.#outputs);
    closeSync(this.#progress);
  }

  #copy(place: number, byteSize: number): Buffer {
    const { buffer, byteOffset } = this.#memory.allocate(byteSize);
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

  #map(place: number, byteSize: number, giveBack: () => void): Buffer | undefined {
    const mapped = this.#mapped;
    if (mapped.pieces >= MOST_MAPPED.pieces || mapped.bytes + byteSize > MOST_MAPPED.bytes) return undefined;
    this.#mappable ??= this.#openMappable();
    const tensors = this.#mappable?.map(place, byteSize, () => {
      mapped.pieces -= 1;
      mapped.bytes -= byteSize;
      giveBack();
    });
    if (tensors === undefined) return undefined;
    mapped.pieces += 1;
    mapped.bytes += byteSize;
    return Buffer.from(tensors.buffer, tensors.byteOffset, byteSize);
  }

  #openMappable(): MemoryFile | null {
    try {
      return this.#memory.shareMemory()?.open(this.#outputsPath) ?? null;
    } catch {
      return null;
    }
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
