import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MemoryFile } from './memory-file.ts';
import { loadNativeModule, type NativeModule } from './native-module.ts';
import { callNative } from './shared-memory-error.ts';

/** What no buffer has used for so long, at most for twice that, goes back to the system. */
const TRIM_MS = 10_000;
/** Buffers of so many bytes that may be garbage are worth a collection when nothing else goes on. */
const WORTH_COLLECTING = 64 << 20;

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
    const buffer = callNative(() => this.#native.takeBlock(byteSize));
    this.#noteUse();
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
      onMapped: (byteSize) => {
        this.#mappedByteSize += byteSize;
        this.#noteUse();
      },
      onCollected: (byteSize) => {
        this.#mappedByteSize -= byteSize;
      },
    });
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

  #noteUse(): void {
    this.#wasTaken = true;
    this.#timer ??= setInterval(() => this.trim(), TRIM_MS).unref();
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
