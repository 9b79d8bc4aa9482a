/** gRPC's framing on the way out. */
import type { Http2Stream } from '../../http2/http2-stream.ts';
import type { Packing } from './compression.ts';
import { PREFIX_BYTE_SIZE } from './message-reader.ts';

/** Up to this size a message is copied behind its prefix: that costs less than a second chunk. */
const COPIED_BYTE_SIZE = 16 * 1024;

/** What a writer tells. */
interface WriterListener {
  /** All messages were written to the stream, after `end`. */
  onEnd(): void;
  /** More may be written, after `write` said no because of messages that were being packed. */
  onKeepsUp(): void;
}

/** Writes messages to a stream in order, packed if they are to be. */
export class MessageWriter {
  readonly #stream: Http2Stream;
  readonly #packing: Packing | undefined;
  readonly #listener: WriterListener;
  /** Messages that wait to be packed; the first of them is being packed. */
  readonly #unpacked: Buffer[] = [];
  #isEnding = false;

  constructor(stream: Http2Stream, packing: Packing | undefined, listener: WriterListener) {
    this.#stream = stream;
    this.#packing = packing;
    this.#listener = listener;
  }

  /** @returns Whether more should be written: not while messages wait to be packed or to be taken by the client. */
  write(message: Buffer): boolean {
    if (this.#packing === undefined) return this.#send(message, false);
    this.#unpacked.push(message);
    if (this.#unpacked.length > 1) return false;
    this.#pack(this.#packing, message);
    return !this.#stream.hasPending;
  }

  /** Ends the stream after all messages. */
  end(): void {
    this.#isEnding = true;
    if (this.#unpacked.length === 0) this.#listener.onEnd();
  }

  #pack(packing: Packing, message: Buffer): void {
    packing.pack(message, (packed) => {
      this.#unpacked.shift();
      if (this.#stream.isClosed) return;
      const keepsUp = this.#send(packed, true);
      const [next] = this.#unpacked;
      if (next !== undefined) this.#pack(packing, next);
      else if (this.#isEnding) this.#listener.onEnd();
      else if (keepsUp) this.#listener.onKeepsUp();
    });
  }

  #send(message: Buffer, isPacked: boolean): boolean {
    if (message.length <= COPIED_BYTE_SIZE) {
      const frame = Buffer.allocUnsafe(PREFIX_BYTE_SIZE + message.length);
      writePrefix(frame, message.length, isPacked);
      message.copy(frame, PREFIX_BYTE_SIZE);
      return this.#stream.write(frame);
    }
    const prefix = Buffer.allocUnsafe(PREFIX_BYTE_SIZE);
    writePrefix(prefix, message.length, isPacked);
    this.#stream.write(prefix);
    return this.#stream.write(message);
  }
}

function writePrefix(frame: Buffer, byteSize: number, isPacked: boolean): void {
  frame[0] = isPacked ? 1 : 0;
  frame.writeUInt32BE(byteSize, 1);
}
