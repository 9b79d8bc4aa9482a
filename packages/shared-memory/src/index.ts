export { loadSharedMemory, type OpenRegionOptions, type SharedMemory } from './shared-memory.ts';
export { LargeBuffers } from './large-buffers.ts';
export { SharedMemoryError } from './shared-memory-error.ts';
export type { RegionHandle, SharedMemoryRegion } from './shared-memory-region.ts';
