import { InferenceServerError } from '@nereid/protocol';

/** A POSIX shared-memory region that a client registered. */
export interface SystemRegion {
  readonly name: string;
  /** Name of the shared-memory object: `/my_region`. */
  readonly key: string;
  readonly offset: number;
  readonly byteSize: number;
}

/** A CUDA region that a client registered. */
export interface CudaRegion {
  readonly name: string;
  readonly deviceId: number;
  readonly byteSize: number;
}

/**
 * The shared-memory regions by name. Registering is off, as it is by default in Triton: the calls answer as
 * Triton's do then.
 */
export class SharedMemoryRegistry {
  status(region: string): readonly never[] {
    if (region !== '') {
      throw new InferenceServerError('NOT_FOUND', `Unable to find system shared memory region: '${region}'`);
    }
    return [];
  }

  register(region: string): never {
    throw new InferenceServerError(
      'UNSUPPORTED',
      `shared memory region '${region}' can't be registered: client shared memory is off in this server`,
    );
  }

  /** Unknown regions are no error. */
  unregister(_region: string): void {}

  /** The bytes of a region that a request names. */
  resolve(region: string): never {
    throw new InferenceServerError('NOT_FOUND', `Unable to find shared memory region: '${region}'`);
  }
}
