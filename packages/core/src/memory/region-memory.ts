import type { RegionHandle } from '@nereid/shared-memory';

/** The mapped memory of a region, as `SharedMemoryRegion` of @nereid/shared-memory gives it. */
export interface RegionMemory {
  readonly handle: RegionHandle;
  /** What the views of `bytes` lie in. */
  readonly buffer: ArrayBuffer;
  bytes(offset: number, byteLength: number): Uint8Array;
  /** False once the object was made smaller, or the system had no memory for it. */
  isIntact(): boolean;
  /** Empties all views, and unmaps. */
  close(): void;
}

/** Where a region lies: a POSIX object, and the part of it. */
export interface RegionPlace {
  /** Name of the shared-memory object: `/my_region`. */
  readonly key: string;
  /** Bytes of the object before the region. */
  readonly offset: number;
  readonly byteSize: number;
}

/** Maps memory. @throws SharedMemoryError */
export type OpenRegionMemory = (place: RegionPlace) => RegionMemory;
