import { createRequire } from 'node:module';
import type { MemorySharing } from '@nereid/backend-sdk';
import type { Tensor } from '@nereid/protocol';
import type { LargeBuffers } from '@nereid/shared-memory';

/** From so many bytes on memory is worth using again. */
export const LARGE_BYTE_SIZE = 1 << 20;

/** null: there is no addon for this machine, or no use of it. */
let buffers: LargeBuffers | null | undefined;

/**
 * Memory of this thread for bytes that come in, not zeroed. Large ones get memory that others have used before them,
 * where there is an addon for that: to fill fresh memory takes several times as long. It can't be transferred then.
 *
 * @throws Error where there is no memory.
 */
export function allocateBuffer(byteSize: number): Buffer<ArrayBuffer> {
  if (byteSize < LARGE_BYTE_SIZE) return Buffer.allocUnsafeSlow(byteSize);
  const pool = largeBuffers();
  if (pool === null) return Buffer.allocUnsafeSlow(byteSize);
  return Buffer.from(pool.take(byteSize).buffer);
}

/** What this thread has in common with other processes. @returns undefined where there is no addon for it. */
export function shareMemory(): MemorySharing | undefined {
  return largeBuffers() ?? undefined;
}

/** Gives memory of large buffers back that somebody here has taken, unless others hold it. */
export function releaseBuffers(tensors: readonly Tensor[]): void {
  if (!buffers) return;
  const released = new Set<ArrayBufferLike>();
  for (const { data } of tensors) {
    if (data.byteLength === 0 || released.has(data.buffer)) continue;
    released.add(data.buffer);
    buffers.release(data);
  }
}

/** For a thread that hands on what comes in: to transfer fresh memory is less than to copy used one. */
export function allocateTransferable(): void {
  buffers = null;
}

function largeBuffers(): LargeBuffers | null {
  if (buffers === undefined) buffers = loadLargeBuffers();
  return buffers;
}

/** Loaded when it is first needed: see `open-region-memory.ts`. */
function loadLargeBuffers(): LargeBuffers | null {
  const require = createRequire(import.meta.url);
  const addon = require('@nereid/shared-memory') as { LargeBuffers: new () => LargeBuffers };
  try {
    return new addon.LargeBuffers();
  } catch {
    return null;
  }
}
