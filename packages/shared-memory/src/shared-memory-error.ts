import { getSystemErrorName } from 'node:util';

/** What the operating system or the addon refused. */
export class SharedMemoryError extends Error {
  /**
   * The system's name of the error (`ENOENT`, `EACCES`, `EEXIST` …; `EOVERFLOW`: the object is too small), or
   * `ERR_UNSUPPORTED` where shared memory is not to be had, `ERR_CLOSED` for a region that was closed.
   */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SharedMemoryError';
    this.code = code;
  }
}

/** Calls the addon; what it throws comes out as a SharedMemoryError when the system refused something. */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { errno, message } = error as { readonly errno?: unknown; readonly message: string };
    if (typeof errno !== 'number') throw error;
    throw new SharedMemoryError(getSystemErrorName(-errno), message, { cause: error });
  }
}
