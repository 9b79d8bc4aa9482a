import { InferenceServerError, type SharedMemoryRef } from '@nereid/protocol';
import type { Region } from './region.ts';

/** Finds a region by name; throws when there is none. */
export type FindRegion = (name: string) => Region;

/**
 * The regions that one request uses: they stay mapped until it is released, even when they are unregistered
 * meanwhile.
 */
export class RegionLease {
  readonly #find: FindRegion;
  readonly #regions: Region[] = [];

  constructor(find: FindRegion) {
    this.#find = find;
  }

  /** Every region that was asked for. */
  get regions(): readonly Region[] {
    return this.#regions;
  }

  /**
   * The bytes at a place, not copied: what the client writes there changes them.
   *
   * @throws InferenceServerError NOT_FOUND for an unknown region, INVALID_ARG for a place outside of it.
   */
  bytes(ref: SharedMemoryRef): Uint8Array {
    return this.#acquire(ref.region).bytes(ref);
  }

  /**
   * The bytes of a place for an output.
   *
   * @throws InferenceServerError as `bytes`, and INVALID_ARG for a region that may only be read.
   */
  writableBytes(ref: SharedMemoryRef): Uint8Array {
    const region = this.#acquire(ref.region);
    if (region.memory.handle.isWritable) return region.bytes(ref);
    throw new InferenceServerError(
      'INVALID_ARG',
      `shared memory region '${ref.region}' can't take an output: the server may only read its object ` +
        `'${region.fields.key}', expected the right to write`,
    );
  }

  /** The region that a view lies in. */
  regionOf(data: Uint8Array): Region | undefined {
    return this.#regions.find((region) => region.memory.buffer === data.buffer);
  }

  /** @throws InferenceServerError INVALID_ARG when a region has lost memory since the request began. */
  assertIntact(): void {
    for (const region of this.#regions) region.assertIntact();
  }

  /** The request has ended. Only the first call does anything. */
  release(): void {
    for (const region of this.#regions.splice(0)) region.release();
  }

  #acquire(name: string): Region {
    const known = this.#regions.find((region) => region.fields.name === name);
    if (known !== undefined) return known;
    const region = this.#find(name);
    region.acquire();
    this.#regions.push(region);
    return region;
  }
}
