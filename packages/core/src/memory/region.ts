import { InferenceServerError, type SharedMemoryRef } from '@nereid/protocol';
import type { RegionMemory, RegionPlace } from './region-memory.ts';

/** A POSIX shared-memory region that a client registered. */
export interface SystemRegion extends RegionPlace {
  readonly name: string;
}

/**
 * A registered region. States: registered → leaving (unregistered while requests use it) → closed, when the last of
 * them has ended.
 */
export class Region {
  readonly fields: SystemRegion;
  readonly memory: RegionMemory;
  readonly #closeListeners: (() => void)[] = [];
  #users = 0;
  #isLeaving = false;
  #isClosed = false;

  constructor(fields: SystemRegion, memory: RegionMemory) {
    this.fields = fields;
    this.memory = memory;
  }

  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** A request begins to use the region; it must `release` it. */
  acquire(): void {
    this.#users += 1;
  }

  release(): void {
    this.#users -= 1;
    this.#closeWhenUnused();
  }

  /** Closes the region as soon as no request uses it. */
  leave(): void {
    this.#isLeaving = true;
    this.#closeWhenUnused();
  }

  /** Called once, when the memory is unmapped. */
  onClose(listener: () => void): void {
    this.#closeListeners.push(listener);
  }

  /**
   * The bytes that a tensor of a request names.
   *
   * @throws InferenceServerError INVALID_ARG when they are not all in the region, or no longer in its object.
   */
  bytes({ offset, byteSize }: SharedMemoryRef): Uint8Array {
    const { name, byteSize: available } = this.fields;
    const isInside = offset >= 0 && byteSize >= 0 && offset + byteSize <= available;
    if (!isInside) {
      throw new InferenceServerError(
        'INVALID_ARG',
        `Invalid offset + byte size for shared memory region: '${name}': offset ${offset} and size ${byteSize} in ` +
          `a region of ${available} bytes`,
      );
    }
    this.assertIntact();
    return this.memory.bytes(offset, byteSize);
  }

  /** @throws InferenceServerError INVALID_ARG when bytes of the region are gone. */
  assertIntact(): void {
    if (this.memory.isIntact()) return;
    const { name, key } = this.fields;
    throw new InferenceServerError(
      'INVALID_ARG',
      `shared memory region '${name}' has lost memory: its object '${key}' was made smaller, or the system had no ` +
        'memory left for it; unregister it, and register it again',
    );
  }

  #closeWhenUnused(): void {
    if (!this.#isLeaving || this.#users > 0 || this.#isClosed) return;
    this.#isClosed = true;
    for (const listener of this.#closeListeners) listener();
    this.memory.close();
  }
}
