import type { NativeModule } from './native-module.ts';
import { callNative } from './shared-memory-error.ts';

/** What is told of each piece of a file that is mapped. */
export interface PieceListener {
  /** One is about to be mapped. */
  onMap(byteSize: number): void;
  /** @param free - Unmaps it: its views have length 0 then. To be called at most once. */
  onMapped(buffer: ArrayBuffer, byteSize: number, free: () => void): void;
  /** Nobody has it any more; called once. */
  onGone(byteSize: number): void;
}

/** A piece that is mapped. */
interface Piece {
  readonly byteSize: number;
  readonly onGone: () => void;
  readonly listener: PieceListener;
}

/** Of all files, since a registry that nobody has any more tells nothing. */
const collected = new FinalizationRegistry<Piece>(end);

/** A memory file that another process has made, to be read. States: open → closed; what was mapped stays. */
export class MemoryFile {
  readonly #native: NativeModule;
  readonly #object: number;
  readonly #listener: PieceListener;

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
   * Bytes of the file, not copied: they are what the other process makes of them. They stay mapped until they are released or
   * collected; what is written to them changes a copy of this process. They can't be transferred to another thread.
   *
   * @param onGone - Called once when nobody here has them any more.
   * @throws SharedMemoryError EOVERFLOW outside of the file.
   */
  map(offset: number, byteSize: number, onGone: () => void): Uint8Array<ArrayBuffer> {
    this.#listener.onMap(byteSize);
    const { buffer, lead } = callNative(() => this.#native.mapPiece(this.#object, offset, byteSize));
    // No function made here: it would keep the buffer, as `free` does.
    const piece = { byteSize, onGone, listener: this.#listener };
    collected.register(buffer, piece, piece);
    this.#listener.onMapped(buffer, byteSize, () => {
      collected.unregister(piece);
      this.#native.detach(buffer);
      end(piece);
    });
    return new Uint8Array(buffer, lead, byteSize);
  }

  close(): void {
    this.#native.closeObject(this.#object);
  }
}

function end({ listener, byteSize, onGone }: Piece): void {
  listener.onGone(byteSize);
  onGone();
}
