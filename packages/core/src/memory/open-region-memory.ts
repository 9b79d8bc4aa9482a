import { createRequire } from 'node:module';
import type { RegionHandle, SharedMemory } from '@nereid/shared-memory';
import type { RegionMemory, RegionPlace } from './region-memory.ts';

/** Maps a part of an object that a client made; only to be read where nothing else is allowed. */
export function openRegionMemory({ key, offset, byteSize }: RegionPlace): RegionMemory {
  const memory = loadAddon();
  try {
    return memory.open(key, { offset, byteSize });
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== 'EACCES') throw error;
    return memory.open(key, { offset, byteSize, access: 'read-only' });
  }
}

/** Maps in this thread what the serving thread has open. */
export function attachRegionMemory(handle: RegionHandle): RegionMemory {
  return loadAddon().attach(handle);
}

/**
 * Loaded when it is first needed, which on most servers is never: a start need not pay for it. With `require`, since
 * that is at once; Node keeps what it loaded.
 */
function loadAddon(): SharedMemory {
  const require = createRequire(import.meta.url);
  const { loadSharedMemory } = require('@nereid/shared-memory') as { loadSharedMemory: () => SharedMemory };
  return loadSharedMemory();
}
