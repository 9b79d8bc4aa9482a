import type { RegionHandle } from '@nereid/shared-memory';
import { attachRegionMemory } from '../memory/open-region-memory.ts';
import type { RegionMemory } from '../memory/region-memory.ts';

/** The clients' shared memory as an executor thread has it: mapped once, and used by many batches. */
export class MappedRegions {
  readonly #byId = new Map<number, RegionMemory>();

  /** @throws SharedMemoryError when a region can't be mapped. */
  bufferOf(handle: RegionHandle): ArrayBuffer {
    const mapped = this.#byId.get(handle.id);
    if (mapped !== undefined) return mapped.buffer;
    const memory = attachRegionMemory(handle);
    this.#byId.set(handle.id, memory);
    return memory.buffer;
  }

  /** No batch uses the region any more. */
  detach(id: number): void {
    this.#byId.get(id)?.close();
    this.#byId.delete(id);
  }
}
