import { InferenceServerError } from '@nereid/protocol';
import { RegionLease } from './region-lease.ts';
import { validateRegionKey } from './region-key.ts';
import type { OpenRegionMemory, RegionMemory } from './region-memory.ts';
import { Region, type SystemRegion } from './region.ts';

/** A CUDA region that a client registered. */
export interface CudaRegion {
  readonly name: string;
  readonly deviceId: number;
  readonly byteSize: number;
}

/** What the registry is made of. */
export interface SharedMemoryParts {
  /** Whether clients may register and unregister regions (`--allow-client-shm`). */
  readonly isAllowed: boolean;
  readonly open: OpenRegionMemory;
}

/** The shared-memory regions by name. This server has no CUDA: those of that kind are refused. */
export class SharedMemoryRegistry {
  readonly #parts: SharedMemoryParts;
  readonly #regions = new Map<string, Region>();

  constructor(parts: SharedMemoryParts) {
    this.#parts = parts;
  }

  /**
   * @param name - '': all regions.
   * @throws InferenceServerError NOT_FOUND for an unknown region.
   */
  systemStatus(name: string): readonly SystemRegion[] {
    if (name === '') return [...this.#regions.values()].map(({ fields }) => fields);
    const region = this.#regions.get(name);
    if (region !== undefined) return [region.fields];
    throw new InferenceServerError('NOT_FOUND', `Unable to find system shared memory region: '${name}'`);
  }

  /**
   * Maps a region, and keeps it until it is unregistered.
   *
   * @throws InferenceServerError UNSUPPORTED when clients may not, or where there is no shared memory; ALREADY_EXISTS;
   * INVALID_ARG for a bad key and for a region that is not all in its object; INTERNAL when that can't be opened.
   */
  registerSystem(fields: SystemRegion): void {
    this.#assertAllowed(`register shared memory region '${fields.name}'`);
    const { name } = fields;
    validateRegionKey(name, fields.key);
    if (this.#regions.has(name)) {
      throw new InferenceServerError('ALREADY_EXISTS', `shared memory region '${name}' already in manager`);
    }
    const region = new Region(fields, this.#open(fields));
    region.onClose(() => this.#regions.delete(name));
    this.#regions.set(name, region);
  }

  /**
   * Forgets a region, once the requests that use it have ended; until then it is listed, and its name is taken.
   * Unknown ones are no error.
   *
   * @param name - '': all regions.
   * @throws InferenceServerError UNSUPPORTED when clients may not.
   */
  unregisterSystem(name: string): void {
    this.#assertAllowed(
      name === '' ? 'unregister shared memory' : `unregister shared memory region '${name}'`,
    );
    if (name === '') this.close();
    else this.#regions.get(name)?.leave();
  }

  /** @throws InferenceServerError NOT_FOUND for a region by name: there are none. */
  cudaStatus(name: string): readonly CudaRegion[] {
    if (name === '') return [];
    throw new InferenceServerError('NOT_FOUND', `Unable to find cuda shared memory region: '${name}'`);
  }

  /** @throws InferenceServerError UNSUPPORTED when clients may not; INVALID_ARG otherwise: there are no GPUs. */
  registerCuda({ name }: CudaRegion): never {
    this.#assertAllowed(`register shared memory region '${name}'`);
    throw new InferenceServerError(
      'INVALID_ARG',
      `failed to register CUDA shared memory region: '${name}', GPUs not supported`,
    );
  }

  /** @throws InferenceServerError UNSUPPORTED when clients may not. */
  unregisterCuda(name: string): void {
    this.#assertAllowed(`unregister shared memory region '${name}'`);
  }

  /** Regions for one request. */
  lease(): RegionLease {
    return new RegionLease((name) => {
      const region = this.#regions.get(name);
      if (region !== undefined && !region.isLeaving) return region;
      throw new InferenceServerError('NOT_FOUND', `Unable to find shared memory region: '${name}'`);
    });
  }

  /** Lets all regions go. */
  close(): void {
    for (const region of [...this.#regions.values()]) region.leave();
  }

  #open(fields: SystemRegion): RegionMemory {
    try {
      return this.#parts.open(fields);
    } catch (error) {
      throw openingError(fields, error);
    }
  }

  #assertAllowed(action: string): void {
    if (this.#parts.isAllowed) return;
    throw new InferenceServerError(
      'UNSUPPORTED',
      `can't ${action}: client shared memory is off; to allow it, start the server with --allow-client-shm=true`,
    );
  }
}

/** What a client learns of a region that could not be mapped, from the name that the system has for the reason. */
function openingError({ name, key }: SystemRegion, cause: unknown): InferenceServerError {
  const { code, message } = cause as { readonly code?: unknown; readonly message: string };
  switch (code) {
    case 'ERR_UNSUPPORTED':
      return new InferenceServerError(
        'UNSUPPORTED',
        `can't register shared memory region '${name}': ${message}`,
        { cause },
      );
    case 'EOVERFLOW':
    case 'EINVAL':
      return new InferenceServerError(
        'INVALID_ARG',
        `failed to register shared memory region '${name}': invalid args: ${message}`,
        { cause },
      );
    default:
      return new InferenceServerError(
        'INTERNAL',
        `Unable to open shared memory region: '${key}': ${message}`,
        { cause },
      );
  }
}
