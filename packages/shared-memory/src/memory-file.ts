import type { NativeModule } from './native-module.ts';
import { callNative } from './shared-memory-error.ts';

/** What is heard of the pieces of a file that are mapped. */
export interface PieceListener {
  onMapped(byteSize: number): void;
  onCollected(byteSize: number): void;
}

/** A memory file that another process has made, to be read. States: open → closed; what was mapped stays. */
export class MemoryFile {
  readonly #native: NativeModule;
  readonly #object: number;
  readonly #listener: PieceListener;
  readonly #pieces = new FinalizationRegistry<number>((byteSize) => this.#listener.onCollected(byteSize));

  /**
   * @param path - `/proc/<pid>/fd/<number>`.
   * @throws SharedMemoryError ENOENT, EACCES
   */
  constructor(native: NativeModule, path: string, listener: PieceListener) {
    this.#native = native;
    this.#listener = listener;
    this.#object = callNative(() => native.openFile(path));
  }

  /**
   * Bytes of the file, not copied: they are what the other process makes of them. They stay mapped until they are collected; what
   * is written to them changes a copy of this process. They can't be transferred to another thread.
   *
   * @throws SharedMemoryError EOVERFLOW outside of the file.
   */
  map(offset: number, byteSize: number): Uint8Array<ArrayBuffer> {
    const { buffer, lead } = callNative(() => new this.#native.Mapping(this.#object, offset, byteSize));
    this.#listener.onMapped(byteSize);
    this.#pieces.register(buffer, byteSize);
    return new Uint8Array(buffer, lead, byteSize);
  }

  close(): void {
    this.#native.closeObject(this.#object);
  }
}
