import { loadNativeModule, type NativeModule } from './native-module.ts';
import { callNative } from './shared-memory-error.ts';
import { mapRegion, type RegionHandle, type SharedMemoryRegion } from './shared-memory-region.ts';

/** A part of an object that someone else made. */
export interface OpenRegionOptions {
  /** Bytes of the object before the region; any number. Default: 0. */
  readonly offset?: number;
  readonly byteSize: number;
  /** Default: `read-write`, which needs the right to write. */
  readonly access?: 'read-write' | 'read-only';
}

/**
 * POSIX shared memory: named objects that several processes have mapped. Every function throws SharedMemoryError with
 * the system's name of what went wrong.
 */
export interface SharedMemory {
  /**
   * Maps a part of an object that exists.
   *
   * @param key - Name of the object: `/my_region`.
   */
  open(key: string, options: OpenRegionOptions): SharedMemoryRegion;
  /** Makes an object of zeros, and maps all of it. Its name lasts until `unlink`. */
  create(key: string, byteSize: number): SharedMemoryRegion;
  /**
   * Maps what another thread of this process has open, at an address of its own. Closing the one does not close the
   * other; the memory is free when both are.
   */
  attach(handle: RegionHandle): SharedMemoryRegion;
  /** Takes the name of an object away; who has it mapped keeps it. */
  unlink(key: string): void;
}

/** @throws SharedMemoryError ERR_UNSUPPORTED where there is no addon for this machine; its message says what to do. */
export function loadSharedMemory(): SharedMemory {
  const native = loadNativeModule();
  return {
    open(key, { offset = 0, byteSize, access = 'read-write' }) {
      const isWritable = access === 'read-write';
      const id = callNative(() => native.openObject(key, isWritable));
      return mapOwn(native, { id, offset, byteSize, isWritable });
    },
    create(key, byteSize) {
      const id = callNative(() => native.createObject(key, byteSize));
      return mapOwn(native, { id, offset: 0, byteSize, isWritable: true });
    },
    attach: (handle) => mapRegion(native, handle, () => undefined),
    unlink: (key) => callNative(() => native.unlinkObject(key)),
  };
}

/** Maps an object that was opened for this region alone, and is closed with it. */
function mapOwn(native: NativeModule, handle: RegionHandle): SharedMemoryRegion {
  const close = (): void => native.closeObject(handle.id);
  try {
    return mapRegion(native, handle, close);
  } catch (error) {
    close();
    throw error;
  }
}
