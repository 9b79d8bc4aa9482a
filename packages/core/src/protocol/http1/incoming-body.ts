/** The body of a plain request, as it comes. Hot path. */
import type { IncomingHttpHeaders } from 'node:http';
import { InferenceServerError } from '@nereid/protocol';
import { AnnouncedBytes } from '../announced-bytes.ts';

/** Gets the whole body, or why there is none; not called when the client goes before it has come. */
export type BodyListener = (error: InferenceServerError | undefined, body: Buffer) => void;

const EMPTY = Buffer.alloc(0);

/** Fewer bytes are copied sooner than read by themselves: the system would be asked once more whether others follow. */
const MIN_ROOM = 16_384;

/** States: held (nobody has asked for it) → collected; or thrown away. */
export class IncomingBody {
  readonly #byteLength: number;
  readonly #tensorsAt: number;
  #missing: number;
  /** Of a body that comes in pieces, once somebody wants it. */
  #bytes: AnnouncedBytes | undefined;
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
    const room = this.#bytes?.room;
    return room === undefined || room.length < MIN_ROOM ? undefined : room;
  }

  /** So many bytes were read into its room. */
  onRoomFilled(byteLength: number): void {
    this.#missing -= byteLength;
    this.#bytes?.noteWritten(byteLength);
    this.#tellWhole();
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
      this.#copy(chunk.subarray(0, byteLength), listener);
    }
  }

  #copy(chunk: Buffer, listener: BodyListener): void {
    this.#missing -= chunk.length;
    try {
      this.#bytes ??= new AnnouncedBytes(this.#byteLength, this.#tensorsAt);
      this.#bytes.push(chunk);
    } catch (cause) {
      this.discard();
      listener(noMemory(this.#byteLength, cause), EMPTY);
      return;
    }
    this.#tellWhole();
  }

  #tellWhole(): void {
    if (this.#missing === 0 && this.#bytes !== undefined) this.#listener?.(undefined, this.#bytes.whole);
  }
}

const DIGITS = /^\d{1,10}$/;

/** Where the binary tensors of a body begin, as its head has it; 0 for one that is all JSON, or all tensor. */
export function tensorsStart(headers: IncomingHttpHeaders): number {
  const length = headers['inference-header-content-length'];
  return typeof length === 'string' && DIGITS.test(length) ? Number(length) : 0;
}

/** Why a body of so many bytes can't be taken. */
export function noMemory(byteSize: number, cause: unknown): InferenceServerError {
  const message = `no memory for a request body of ${String(byteSize)} bytes`;
  return new InferenceServerError('UNAVAILABLE', message, { cause });
}
