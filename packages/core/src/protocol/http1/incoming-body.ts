/** The body of a plain request, as it comes. Hot path. */
import { InferenceServerError } from '@nereid/protocol';
import { allocateBuffer } from '../../memory/large-buffer.ts';

/** Gets the whole body, or why there is none; not called when the client goes before it has come. */
export type BodyListener = (error: InferenceServerError | undefined, body: Buffer) => void;

const EMPTY = Buffer.alloc(0);

/** Fewer bytes are copied sooner than read by themselves: the system would be asked once more whether others follow. */
const MIN_ROOM = 16_384;

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

  /** How many bytes still come. */
  get missing(): number {
    return this.#missing;
  }

  collect(listener: BodyListener): void {
    if (this.#byteLength === 0) listener(undefined, EMPTY);
    else this.#listener = listener;
  }

  discard(): void {
    this.#isUnwanted = true;
    this.#bytes = undefined;
  }

  /** Where its next bytes belong, to be read there; undefined: take them from a chunk. */
  get room(): Buffer | undefined {
    if (this.#bytes === undefined || this.#missing < MIN_ROOM) return undefined;
    return this.#bytes.subarray(this.#byteLength - this.#missing);
  }

  /** So many bytes were read into its room. */
  onRoomFilled(byteLength: number): void {
    this.#missing -= byteLength;
    if (this.#missing === 0 && this.#bytes !== undefined) this.#listener?.(undefined, this.#bytes);
  }

  /**
   * Takes its bytes from the start of a chunk, none while it is held. Those of a body that comes in one piece are not copied
   * unless the chunk is lent, all others once.
   *
   * @param isLent - Whether the chunk's memory will be used for others.
   */
  take(chunk: Buffer, isLent: boolean): void {
    const byteLength = Math.min(this.#missing, chunk.length);
    const listener = this.#listener;
    if (this.#isUnwanted) {
      this.#missing -= byteLength;
    } else if (listener === undefined) {
      // It waits.
    } else if (byteLength === this.#byteLength) {
      this.#missing = 0;
      const bytes = chunk.subarray(0, byteLength);
      listener(undefined, isLent ? Buffer.from(bytes) : bytes);
    } else {
      this.#copy(chunk, byteLength, listener);
    }
  }

  #copy(chunk: Buffer, byteLength: number, listener: BodyListener): void {
    const position = this.#byteLength - this.#missing;
    this.#missing -= byteLength;
    const bytes = this.#bytes ?? this.#allocate(listener);
    if (bytes === undefined) return;
    chunk.copy(bytes, position, 0, byteLength);
    if (this.#missing === 0) listener(undefined, bytes);
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
