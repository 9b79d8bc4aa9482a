export { loadSharedMemory, type OpenRegionOptions, type SharedMemory } from './shared-memory.ts';
export { LargeBuffers, type MemoryLocation } from './large-buffers.ts';
export type { MemoryFile } from './memory-file.ts';
export { SharedMemoryError } from './shared-memory-error.ts';
export type { RegionHandle, SharedMemoryRegion } from './shared-memory-region.ts';
