/** Memory of large buffers that are garbage goes back to the system when a thread has nothing to do. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_MS = 10_000;

/** Bytes of buffers that are worth a collection. */
const WORTH_COLLECTING = 64 << 20;

/** In a thread that is idle, too, there is a little more or less now and then. */
const NOISE = 1 << 20;

/**
 * V8 looks for garbage when it is asked for more memory. When nobody does, that of the last gigabyte stays: here it is collected once
 * nothing has changed between two looks. For threads whose large buffers are not those of `LargeBuffers`.
 */
export class IdleCollection {
  readonly #byteSize: () => number;
  readonly #collect: () => void;
  #last = 0;
  /** What a collection left is held by somebody. */
  #left = 0;

  /** @param byteSize - Of all buffers of this thread, garbage too. */
  constructor(byteSize = bufferByteSize, collect = collectGarbage) {
    this.#byteSize = byteSize;
    this.#collect = collect;
  }

  look(): void {
    const byteSize = this.#byteSize();
    const isIdle = Math.abs(byteSize - this.#last) < NOISE;
    this.#last = byteSize;
    this.#left = Math.min(this.#left, byteSize);
    if (!isIdle || byteSize - this.#left < WORTH_COLLECTING) return;
    this.#collect();
    this.#left = this.#byteSize();
    this.#last = this.#left;
  }
}

/** Looks now and then, until the timer is cleared. It keeps no process alive. */
export function collectWhenIdle(): NodeJS.Timeout {
  const collection = new IdleCollection();
  return setInterval(() => collection.look(), LOOK_MS).unref();
}

/** Buffers that came from another thread are among the external memory alone. */
function bufferByteSize(): number {
  return process.memoryUsage().external;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
