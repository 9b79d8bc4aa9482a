import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MemoryFile } from './memory-file.ts';
import { loadNativeModule, type NativeModule } from './native-module.ts';
import { callNative } from './shared-memory-error.ts';

/** What no buffer has used for so long, at most for twice that, goes back to the system. */
const TRIM_MS = 10_000;
/** V8 is told of the memory that was released, for the next buffers, up to so many bytes. */
const MOST_SPARE = 256 << 20;
/** Buffers of so many bytes that may be garbage are worth a collection when nothing else goes on. */
const WORTH_COLLECTING = 64 << 20;

/** Those who have a buffer. */
interface Share {
  holders: number;
  readonly free: () => void;
}

/** Where another process of the same user can map bytes of this one. */
export interface MemoryLocation {
  /** The file is `/proc/<pid of this process>/fd/<descriptor>`. */
  readonly descriptor: number;
  /** Where in the file they begin. */
  readonly offset: number;
}

/**
 * Memory of this process for large buffers that is used again when they were collected. The system hands out fresh
 * memory page by page at the first touch, which takes five times as long as filling 16 MiB that were used before.
 *
 * When no buffer was taken for a while, what is garbage is collected and given back to the system.
 */
export class LargeBuffers {
  readonly #native: NativeModule;
  #timer: NodeJS.Timeout | undefined;
  #wasTaken = false;
  #isCollected = false;
  #usesFiles = false;
  /** What has to be released for a buffer to be free before it is collected. */
  readonly #shares = new WeakMap<ArrayBuffer, Share>();
  /** What V8 counts although it was released. */
  #spare = 0;
  /** Of other processes' files. */
  #mappedByteSize = 0;

  /** @throws SharedMemoryError ERR_UNSUPPORTED where there is no addon for this machine. */
  constructor(native = loadNativeModule()) {
    this.#native = native;
  }

  /**
   * A buffer with whatever was in that memory before. It can't be transferred to another thread.
   *
   * @throws SharedMemoryError ENOMEM
   */
  take(byteSize: number): Uint8Array<ArrayBuffer> {
    this.#useSpare(byteSize);
    const buffer = callNative(() => this.#native.takeBlock(byteSize));
    this.#noteUse(buffer, () => this.#native.detach(buffer));
    return new Uint8Array(buffer);
  }

  /**
   * Where other processes find bytes of a buffer, for as long as it is not collected. The first call finds none, but has
   * memory for new buffers taken from files.
   *
   * @returns undefined: they lie in no such file.
   */
  locate(bytes: Uint8Array<ArrayBuffer>): MemoryLocation | undefined {
    if (!this.#usesFiles) this.#native.useFiles();
    this.#usesFiles = true;
    const descriptor = this.#native.fileOfBlock(bytes.buffer);
    return descriptor < 0 ? undefined : { descriptor, offset: bytes.byteOffset };
  }

  /**
   * Opens a memory file of another process. What is mapped of it is collected like a buffer of this one.
   *
   * @param path - `/proc/<pid>/fd/<number>`.
   * @throws SharedMemoryError ENOENT, EACCES
   */
  open(path: string): MemoryFile {
    return new MemoryFile(this.#native, path, {
      onMap: (byteSize) => this.#useSpare(byteSize),
      onMapped: (buffer, byteSize, free) => {
        this.#mappedByteSize += byteSize;
        this.#noteUse(buffer, free);
      },
      onGone: (byteSize) => {
        this.#mappedByteSize -= byteSize;
      },
    });
  }

  /** One more has what these bytes are part of, and is going to release it. */
  hold(bytes: Uint8Array): void {
    const share = this.#shareOf(bytes);
    if (share !== undefined) share.holders += 1;
  }

  /**
   * One of those that have what these bytes are part of needs it no more: first of all who took it. After the last of them its
   * memory is used for others, at once, and all its views have length 0. What is never released is collected.
   */
  release(bytes: Uint8Array): void {
    const share = this.#shareOf(bytes);
    if (share === undefined) return;
    share.holders -= 1;
    if (share.holders > 0) return;
    const { byteLength } = bytes.buffer;
    this.#shares.delete(bytes.buffer as ArrayBuffer);
    callNative(share.free);
    this.#countSpare(Math.min(byteLength, MOST_SPARE - this.#spare));
  }

  /** Bytes that are kept for the next ones, of all threads. At most 256 MiB. */
  get keptByteSize(): number {
    return this.#native.keptBlocks();
  }

  /** Bytes that are in use or garbage, of all threads, and what this one has mapped of other processes. */
  get usedByteSize(): number {
    return this.#native.usedBlocks() + this.#mappedByteSize;
  }

  /** Gives back what was not used since the last call; called every ten seconds while there is something. */
  trim(): void {
    this.#native.trimBlocks();
    if (!this.#wasTaken) this.#countSpare(-this.#spare);
    if (this.#wasTaken) {
      this.#wasTaken = false;
      this.#isCollected = false;
    } else if (!this.#isCollected && this.usedByteSize > WORTH_COLLECTING) {
      // Once: what a collection leaves is held by somebody.
      this.#isCollected = true;
      collectGarbage();
    } else if (this.usedByteSize + this.keptByteSize === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #shareOf({ buffer }: Uint8Array): Share | undefined {
    return buffer instanceof ArrayBuffer ? this.#shares.get(buffer) : undefined;
  }

  /** V8 collects garbage when its count has grown. That it goes up and down with each request is no reason to. */
  #countSpare(byteSize: number): void {
    this.#spare += byteSize;
    if (byteSize !== 0) this.#native.countMemory(byteSize);
  }

  /** Before a buffer is made: V8 looks at its count whenever one is. */
  #useSpare(byteSize: number): void {
    this.#countSpare(-Math.min(this.#spare, byteSize));
  }

  #noteUse(buffer: ArrayBuffer, free: () => void): void {
    this.#shares.set(buffer, { holders: 1, free });
    this.#wasTaken = true;
    this.#timer ??= setInterval(() => this.trim(), TRIM_MS).unref();
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
