import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadNativeModule, type NativeModule } from './native-module.ts';
import { callNative } from './shared-memory-error.ts';

/** What no buffer has used for so long, at most for twice that, goes back to the system. */
const TRIM_MS = 10_000;
/** Buffers of so many bytes that may be garbage are worth a collection when nothing else goes on. */
const WORTH_COLLECTING = 64 << 20;

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
    this.#wasTaken = true;
    this.#timer ??= setInterval(() => this.trim(), TRIM_MS).unref();
    return new Uint8Array(buffer);
  }

  /** Bytes that are kept for the next ones, of all threads. At most 256 MiB. */
  get keptByteSize(): number {
    return this.#native.keptBlocks();
  }

  /** Bytes that are in use or garbage, of all threads. */
  get usedByteSize(): number {
    return this.#native.usedBlocks();
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
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
