import { loadNativeModule, type NativeModule } from './native-module.ts';
import { callNative } from './shared-memory-error.ts';

/** What no buffer has used for so long, at most for twice that, goes back to the system. */
const TRIM_MS = 10_000;

/**
 * Memory of this process for large buffers that is used again when they were collected. The system hands out fresh
 * memory page by page at the first touch, which takes five times as long as filling 16 MiB that were used before.
 */
export class LargeBuffers {
  readonly #native: NativeModule;
  #timer: NodeJS.Timeout | undefined;

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
    this.#timer ??= setInterval(() => this.#trim(), TRIM_MS).unref();
    return new Uint8Array(buffer);
  }

  /** Bytes that are kept for the next ones, of all threads. At most 256 MiB. */
  get keptByteSize(): number {
    return this.#native.keptBlocks();
  }

  #trim(): void {
    this.#native.trimBlocks();
    if (this.keptByteSize > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
