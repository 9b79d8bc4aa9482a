import type { MemorySharing } from '@nereid/backend-sdk';
import type { Loan } from './messages.ts';

/** Fewer bytes are copied sooner than mapped. */
const SMALLEST = 1 << 17;
/** Where libraries that compute expect an array to begin; others are copied to such a place. */
const ALIGNMENT = 64;

/** Whose memory it is. */
interface Lender {
  /** Called when there is something to lend: a start need not load what is behind it. */
  shareMemory(): MemorySharing | undefined;
}

/** Tensors that a process reads where they are, in memory of the server. */
export class LentTensors {
  readonly #services: Lender;
  /** Held until the process needs them no more. */
  readonly #lent = new Map<number, Uint8Array<ArrayBuffer>>();
  #next = 0;

  constructor(services: Lender) {
    this.#services = services;
  }

  /** @returns undefined: the process can't get at these, they have to be copied. */
  lend(data: Uint8Array): Loan | undefined {
    if (data.byteLength < SMALLEST || !isOfArrayBuffer(data)) return undefined;
    const memory = this.#services.shareMemory();
    const location = memory?.locate(data);
    if (location === undefined || location.offset % ALIGNMENT !== 0) return undefined;
    memory?.hold(data);
    const number = this.#next++;
    this.#lent.set(number, data);
    return [number, location.descriptor, location.offset];
  }

  giveBack(number: number): void {
    const data = this.#lent.get(number);
    if (data === undefined) return;
    this.#lent.delete(number);
    this.#services.shareMemory()?.release(data);
  }
}

function isOfArrayBuffer(data: Uint8Array): data is Uint8Array<ArrayBuffer> {
  return data.buffer instanceof ArrayBuffer;
}
