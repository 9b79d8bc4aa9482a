/** The body of a plain request, as it comes. Hot path. */
import type { IncomingHttpHeaders } from 'node:http';
import { InferenceServerError } from '@nereid/protocol';
import { allocateBuffer } from '../../memory/large-buffer.ts';

/** Gets the whole body, or why there is none; not called when the client goes before it has come. */
export type BodyListener = (error: InferenceServerError | undefined, body: Buffer) => void;

const EMPTY = Buffer.alloc(0);

/** Fewer bytes are copied sooner than read by themselves: the system would be asked once more whether others follow. */
const MIN_ROOM = 16_384;
/** Where the tensors of a body should begin in memory: what computes with them may take them as they are. */
const ALIGNMENT = 64;

/** States: held (nobody has asked for it) → collected; or thrown away. */
export class IncomingBody {
  readonly #byteLength: number;
  readonly #tensorsAt: number;
  #missing: number;
  #bytes: Buffer | undefined;
  #listener: BodyListener | undefined;
  #isUnwanted = false;
  readonly startedAt = performance.now();

  /** @param tensorsAt - Where its binary tensors begin; default 0: it has none, or begins with them. */
  constructor(byteLength: number, tensorsAt = 0) {
    this.#byteLength = byteLength;
    this.#tensorsAt = tensorsAt;
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
      return (this.#bytes = allocateBody(this.#byteLength, this.#tensorsAt));
    } catch (error) {
      this.discard();
      listener(InferenceServerError.from(error), EMPTY);
      return undefined;
    }
  }
}

const DIGITS = /^\d{1,10}$/;

/** Where the binary tensors of a body begin, as its head has it; 0 for one that is all JSON, or all tensor. */
export function tensorsStart(headers: IncomingHttpHeaders): number {
  const length = headers['inference-header-content-length'];
  return typeof length === 'string' && DIGITS.test(length) ? Number(length) : 0;
}

/**
 * @param tensorsAt - Where in the body its tensors begin: they come to lie at a multiple of 64 bytes.
 * @throws InferenceServerError UNAVAILABLE where there is no memory for it.
 */
export function allocateBody(byteSize: number, tensorsAt: number): Buffer {
  try {
    const lead = (ALIGNMENT - (tensorsAt % ALIGNMENT)) % ALIGNMENT;
    return allocateBuffer(lead + byteSize).subarray(lead);
  } catch (cause) {
    const message = `no memory for a request body of ${String(byteSize)} bytes`;
    throw new InferenceServerError('UNAVAILABLE', message, { cause });
  }
}
