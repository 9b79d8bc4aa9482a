/** The body of a plain request, as it comes. Hot path. */
import { InferenceServerError } from '@nereid/protocol';
import { allocateBuffer } from '../../memory/large-buffer.ts';

/** Gets the whole body, or why there is none; not called when the client goes before it has come. */
export type BodyListener = (error: InferenceServerError | undefined, body: Buffer) => void;

const EMPTY = Buffer.alloc(0);

/** States: held (nobody has asked for it) → collected; or thrown away. */
export class IncomingBody {
  readonly #byteLength: number;
  #missing: number;
  #bytes: Buffer | undefined;
  #listener: BodyListener | undefined;
  #isUnwanted = false;
  readonly startedAt = performance.now();

  constructor(byteLength: number) {
    this.#byteLength = byteLength;
    this.#missing = byteLength;
  }

  /** Whether nothing more of it comes. */
  get isComplete(): boolean {
    return this.#missing === 0;
  }

  collect(listener: BodyListener): void {
    if (this.#byteLength === 0) listener(undefined, EMPTY);
    else this.#listener = listener;
  }

  discard(): void {
    this.#isUnwanted = true;
    this.#bytes = undefined;
  }

  /**
   * Takes its bytes from the start of a chunk: those of a body that comes in one piece are not copied, all others once.
   *
   * @returns How many; 0 while it is held.
   */
  take(chunk: Buffer): number {
    const byteLength = Math.min(this.#missing, chunk.length);
    if (this.#isUnwanted) {
      this.#missing -= byteLength;
      return byteLength;
    }
    const listener = this.#listener;
    if (listener === undefined) return 0;
    const position = this.#byteLength - this.#missing;
    this.#missing -= byteLength;
    if (byteLength === this.#byteLength) {
      listener(undefined, chunk.subarray(0, byteLength));
      return byteLength;
    }
    const bytes = this.#bytes ?? this.#allocate(listener);
    if (bytes === undefined) return byteLength;
    chunk.copy(bytes, position, 0, byteLength);
    if (this.#missing === 0) listener(undefined, bytes);
    return byteLength;
  }

  #allocate(listener: BodyListener): Buffer | undefined {
    try {
      return (this.#bytes = allocateBody(this.#byteLength));
    } catch (error) {
      this.discard();
      listener(InferenceServerError.from(error), EMPTY);
      return undefined;
    }
  }
}

/** @throws InferenceServerError UNAVAILABLE where there is no memory for it. */
export function allocateBody(byteSize: number): Buffer {
  try {
    return allocateBuffer(byteSize);
  } catch (cause) {
    const message = `no memory for a request body of ${String(byteSize)} bytes`;
    throw new InferenceServerError('UNAVAILABLE', message, { cause });
  }
}
