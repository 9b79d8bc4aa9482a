import type { Duplex } from 'node:stream';
import type { SharedMemoryFiles } from './shared-memory-files.ts';

/** Bytes in front of a header: uint32 its size, uint64 that of the tensors, int64 their place in shared memory. */
const PREFIX_BYTES = 20;
/** Place of tensors that follow their header. */
const IN_LINE = -1n;
/** Tensors of fewer bytes are copied beside their header, which is cheaper than a write of their own. */
const JOIN_BYTES = 4096;
/** From so many bytes on tensors are shared: see docs/adr/0010. */
const SHARED_BYTES = 1 << 17;

/** What is heard of a channel. */
export interface ChannelListener {
  readonly onFrame: FrameListener;
  /** The process needs a tensor of the server's own memory no more. */
  readonly onGiveBack: (loan: number) => void;
  /** Called once, with what is wrong: a frame could not be read or was not understood, and what follows is lost. */
  readonly onFault: (error: unknown) => void;
}

/** Takes a frame in. `tensors` holds the bytes of all of them, one after the other; views on it may be kept. */
export type FrameListener = (header: unknown, tensors: Buffer) => void;

/**
 * Frames over a stream, as python/nereid_stub/channel.py writes and reads them: JSON, then the tensors' bytes, unless
 * these lie in shared memory. A frame without a header gives a place there back, or what the server has lent.
 */
export class Channel {
  readonly #stream: Duplex;
  readonly #onFrame: FrameListener;
  readonly #onGiveBack: (loan: number) => void;
  readonly #onFault: (error: unknown) => void;
  #isBroken = false;
  /** Start of a frame of which too little has come. */
  #rest: Buffer | undefined;
  /** Tensors of a large frame that is coming in. */
  #large: { readonly header: unknown; readonly tensors: Buffer; filled: number } | undefined;
  #isCorked = false;
  #memory: SharedMemoryFiles | undefined;

  constructor(stream: Duplex, { onFrame, onGiveBack, onFault }: ChannelListener) {
    this.#stream = stream;
    this.#onFrame = onFrame;
    this.#onGiveBack = onGiveBack;
    this.#onFault = onFault;
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
  }

  /** Large tensors go through these files from now on. */
  share(memory: SharedMemoryFiles): void {
    this.#memory = memory;
  }

  /**
   * Takes in the frames that a process which has ended had no time to send; some may have come before.
   *
   * @returns The batch that the model got last; undefined: nobody knows.
   */
  takeLegacy(): number | undefined {
    const legacy = this.#memory?.readLegacy();
    if (legacy === undefined) return undefined;
    // They begin with a whole frame.
    this.#rest = undefined;
    this.#large = undefined;
    this.#onData(legacy.held);
    return legacy.lastBegun;
  }

  /** Sends a frame at once. */
  send(header: object, tensors: readonly Uint8Array[] = []): void {
    if (this.#stream.destroyed) return;
    const text = JSON.stringify(header);
    let byteSize = 0;
    for (const tensor of tensors) byteSize += tensor.byteLength;
    const place = byteSize < SHARED_BYTES ? undefined : this.#memory?.put(tensors, byteSize);
    if (place !== undefined) this.#stream.write(encodeHead(text, { byteSize, joined: 0, place }));
    else if (byteSize <= JOIN_BYTES) this.#sendJoined(text, tensors, byteSize);
    else this.#sendApart(text, tensors, byteSize);
  }

  /** Sends a frame; what is sent so in one turn of the event loop leaves together. */
  sendSoon(header: object, tensors: readonly Uint8Array[] = []): void {
    this.#cork();
    this.send(header, tensors);
  }

  /** The stream has ended: nothing is shared any more. */
  close(): void {
    this.#memory?.close();
    this.#memory = undefined;
  }

  #sendJoined(text: string, tensors: readonly Uint8Array[], byteSize: number): void {
    const head = encodeHead(text, { byteSize, joined: byteSize, place: undefined });
    let at = head.length - byteSize;
    for (const tensor of tensors) {
      head.set(tensor, at);
      at += tensor.byteLength;
    }
    this.#stream.write(head);
  }

  #sendApart(text: string, tensors: readonly Uint8Array[], byteSize: number): void {
    this.#stream.cork();
    this.#stream.write(encodeHead(text, { byteSize, joined: 0, place: undefined }));
    for (const tensor of tensors) this.#stream.write(tensor);
    this.#stream.uncork();
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
    if (this.#isBroken) return;
    try {
      this.#takeFrames(chunk);
    } catch (error) {
      this.#isBroken = true;
      this.#onFault(error);
    }
  }

  #takeFrames(chunk: Buffer): void {
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
    const headerBytes = data.readUInt32LE(at);
    const place = data.readInt32LE(at + 16) < 0 ? undefined : readSize(data, at + 12);
    const body = at + PREFIX_BYTES + headerBytes;
    if (headerBytes === 0) {
      if (place !== undefined) this.#memory?.release(place);
      else this.#onGiveBack(readSize(data, at + 4));
      return body;
    }
    if (data.length < body) return undefined;
    const byteSize = readSize(data, at + 4);
    const header: unknown = JSON.parse(data.toString('utf8', at + PREFIX_BYTES, body));
    if (place !== undefined) {
      this.#onFrame(header, this.#takeShared(place, byteSize));
      return body;
    }
    const end = body + byteSize;
    if (end <= data.length) {
      this.#onFrame(header, data.subarray(body, end));
      return end;
    }
    const tensors = Buffer.allocUnsafeSlow(byteSize);
    this.#large = { header, tensors, filled: data.copy(tensors, 0, body) };
    return data.length;
  }

  /** Tensors in shared memory; their place is given back when they are needed no more. */
  #takeShared(place: number, byteSize: number): Buffer {
    const giveBack = (): void => {
      if (!this.#stream.destroyed) this.#stream.write(encodeHead('', { byteSize: 0, joined: 0, place }));
    };
    return this.#memory?.take(place, byteSize, giveBack) ?? Buffer.alloc(0);
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

interface TensorBytes {
  readonly byteSize: number;
  /** How many of them are to be copied behind the header. */
  readonly joined: number;
  /** In shared memory. */
  readonly place: number | undefined;
}

/** Prefix and header of a frame, and room for tensors. */
function encodeHead(text: string, { byteSize, joined, place }: TensorBytes): Buffer {
  const headerBytes = Buffer.byteLength(text);
  const head = Buffer.allocUnsafe(PREFIX_BYTES + headerBytes + joined);
  head.writeUInt32LE(headerBytes, 0);
  writeSize(head, byteSize, 4);
  if (place === undefined) head.writeBigInt64LE(IN_LINE, 12);
  else writeSize(head, place, 12);
  head.write(text, PREFIX_BYTES);
  return head;
}

/** A number below 2^53 in 8 bytes. */
function writeSize(bytes: Buffer, size: number, at: number): void {
  bytes.writeUInt32LE(size % 0x1_0000_0000, at);
  bytes.writeUInt32LE(Math.floor(size / 0x1_0000_0000), at + 4);
}

function readSize(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000;
}
