import type { Duplex } from 'node:stream';

/** Bytes of a frame's two lengths: uint32 of the header, uint64 of the tensors. */
const PREFIX_BYTES = 12;
/** Tensors of fewer bytes are copied beside their header, which is cheaper than a write of their own. */
const JOIN_BYTES = 4096;

/** Takes a frame in. `tensors` holds the bytes of all of them, one after the other; views on it may be kept. */
export type FrameListener = (header: unknown, tensors: Buffer) => void;

/** Frames over a stream, as python/nereid_stub/channel.py writes and reads them: JSON, then the tensors' bytes. */
export class Channel {
  readonly #stream: Duplex;
  readonly #onFrame: FrameListener;
  /** Start of a frame of which too little has come. */
  #rest: Buffer | undefined;
  /** Tensors of a large frame that is coming in. */
  #large: { readonly header: unknown; readonly tensors: Buffer; filled: number } | undefined;
  #isCorked = false;

  constructor(stream: Duplex, onFrame: FrameListener) {
    this.#stream = stream;
    this.#onFrame = onFrame;
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
  }

  /** Sends a frame. What is sent in one turn of the event loop leaves together. */
  send(header: object, tensors: readonly Uint8Array[] = []): void {
    if (this.#stream.destroyed) return;
    let byteSize = 0;
    for (const tensor of tensors) byteSize += tensor.byteLength;
    const text = JSON.stringify(header);
    const headerBytes = Buffer.byteLength(text);
    const joined = byteSize <= JOIN_BYTES ? byteSize : 0;
    const head = Buffer.allocUnsafe(PREFIX_BYTES + headerBytes + joined);
    head.writeUInt32LE(headerBytes, 0);
    head.writeUInt32LE(byteSize >>> 0, 4);
    head.writeUInt32LE(Math.floor(byteSize / 0x1_0000_0000), 8);
    head.write(text, PREFIX_BYTES);
    this.#cork();
    if (joined > 0) {
      let at = PREFIX_BYTES + headerBytes;
      for (const tensor of tensors) {
        head.set(tensor, at);
        at += tensor.byteLength;
      }
    }
    this.#stream.write(head);
    if (joined === 0) for (const tensor of tensors) this.#stream.write(tensor);
  }

  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#stream.uncork();
    });
  }

  #onData(chunk: Buffer): void {
    let at = this.#fillLarge(chunk);
    if (at === chunk.length) return;
    let data = chunk;
    if (this.#rest !== undefined) {
      data = Buffer.concat([this.#rest, chunk]);
      this.#rest = undefined;
      at = 0;
    }
    while (at < data.length) {
      const next = this.#takeFrame(data, at);
      if (next === undefined) {
        this.#rest = data.subarray(at);
        return;
      }
      at = next;
    }
  }

  /** Takes the frame that begins at a byte; returns where the next one does, or undefined when its header is not all there. */
  #takeFrame(data: Buffer, at: number): number | undefined {
    if (data.length - at < PREFIX_BYTES) return undefined;
    const body = at + PREFIX_BYTES + data.readUInt32LE(at);
    if (data.length < body) return undefined;
    const byteSize = data.readUInt32LE(at + 4) + data.readUInt32LE(at + 8) * 0x1_0000_0000;
    const header: unknown = JSON.parse(data.toString('utf8', at + PREFIX_BYTES, body));
    const end = body + byteSize;
    if (end <= data.length) {
      this.#onFrame(header, data.subarray(body, end));
      return end;
    }
    const tensors = Buffer.allocUnsafeSlow(byteSize);
    this.#large = { header, tensors, filled: data.copy(tensors, 0, body) };
    return data.length;
  }

  /** Puts the tensors of a large frame into their place; returns how many bytes of the chunk were for it. */
  #fillLarge(chunk: Buffer): number {
    const large = this.#large;
    if (large === undefined) return 0;
    const copied = chunk.copy(large.tensors, large.filled, 0);
    large.filled += copied;
    if (large.filled === large.tensors.length) {
      this.#large = undefined;
      this.#onFrame(large.header, large.tensors);
    }
    return copied;
  }
}
