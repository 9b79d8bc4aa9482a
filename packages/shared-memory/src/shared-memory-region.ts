import type { NativeMapping, NativeModule } from './native-module.ts';
import { callNative, SharedMemoryError } from './shared-memory-error.ts';

/** What another thread of this process needs to map the same memory. Plain data: it travels in messages. */
export interface RegionHandle {
  /** Number of the open object; it holds until the region that opened it is closed. */
  readonly id: number;
  /** Bytes of the object before the region. */
  readonly offset: number;
  readonly byteSize: number;
  /** Whether writing reaches the object. Otherwise it changes nothing but a copy of the thread that writes. */
  readonly isWritable: boolean;
}

/**
 * A part of a POSIX shared-memory object, mapped into this thread. States: open → closed. Its bytes are those that
 * other processes see, at the same moment.
 *
 * An owner that shrinks the object does not end this process: what was lost then reads as zeros, and `isIntact`
 * is false from there on.
 */
export class SharedMemoryRegion {
  readonly handle: RegionHandle;
  readonly #mapping: NativeMapping;
  readonly #onClose: () => void;
  #isClosed = false;

  /** Use the functions of {@link SharedMemory}. */
  constructor(mapping: NativeMapping, handle: RegionHandle, onClose: () => void) {
    this.#mapping = mapping;
    this.handle = handle;
    this.#onClose = onClose;
  }

  get byteSize(): number {
    return this.handle.byteSize;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The memory that the views of {@link bytes} lie in, whole pages: tells whose a view is. */
  get buffer(): ArrayBuffer {
    this.#assertOpen();
    return this.#mapping.buffer;
  }

  /**
   * The bytes of the region, not copied. After `close` the view has length 0.
   *
   * @param offset - From the beginning of the region. Default: 0.
   * @param byteLength - Default: up to the end of the region.
   * @throws SharedMemoryError EOVERFLOW outside the region, ERR_CLOSED after `close`.
   */
  bytes(offset = 0, byteLength = this.byteSize - offset): Uint8Array {
    const isInside = offset >= 0 && byteLength >= 0 && offset + byteLength <= this.byteSize;
    if (!isInside) {
      throw new SharedMemoryError(
        'EOVERFLOW',
        `offset ${offset} and size ${byteLength} in a region of ${this.byteSize} bytes`,
      );
    }
    return new Uint8Array(this.buffer, this.#mapping.lead + offset, byteLength);
  }

  /**
   * Whether every byte of the region is still memory of the object. Ask before the bytes are used, which tells a shrunk
   * object, and again afterwards, before what was made of them is trusted.
   */
  isIntact(): boolean {
    return !this.#isClosed && callNative(() => this.#mapping.intact());
  }

  /** Unmaps the memory: all views have length 0 from here on. Only the first call does anything. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    callNative(() => this.#mapping.unmap());
    this.#onClose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new SharedMemoryError('ERR_CLOSED', 'the shared memory region was closed');
  }
}

/** Maps a part of an open object. */
export function mapRegion(
  native: NativeModule,
  handle: RegionHandle,
  onClose: () => void,
): SharedMemoryRegion {
  const { id, offset, byteSize } = handle;
  const mapping = callNative(() => new native.Mapping(id, offset, byteSize));
  return new SharedMemoryRegion(mapping, handle, onClose);
}
