/** A client that sends frames as a test writes them, right or wrong. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { FrameReader } from '../frame-reader.ts';
import { FLAG, FRAME, PREFACE, writeHead } from '../frames.ts';

/** A frame that came. */
export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** Fields of a request that the static table has: POST, http, /. */
export const REQUEST_BLOCK = Buffer.from([0x83, 0x86, 0x84]);

export class RawClient {
  readonly received: ReceivedFrame[] = [];
  readonly #socket: Socket;
  #changed = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    let data: Buffer[] = [];
    let streamId = 0;
    const note = (frame: ReceivedFrame): void => {
      this.received.push(frame);
      this.#change();
    };
    const reader = new FrameReader({
      onDataHead: (id) => {
        streamId = id;
        data = [];
      },
      onDataPiece: (piece) => data.push(Buffer.from(piece)),
      onDataEnd: (ends) => {
        const flags = ends ? FLAG.END_STREAM : FLAG.NONE;
        note({ type: FRAME.DATA, flags, streamId, payload: Buffer.concat(data) });
      },
      onFrame: ({ type, flags, streamId: id }, payload) => {
        note({ type, flags, streamId: id, payload: Buffer.from(payload) });
      },
    });
    // A server sends no preface.
    reader.push(PREFACE);
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isClosed = true;
      this.#change();
    });
  }

  /** Connects, and sends what every client begins with. */
  static async connect(port: number, settings: Uint8Array = Buffer.alloc(0)): Promise<RawClient> {
    const socket = createConnection({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    const client = new RawClient(socket);
    socket.write(PREFACE);
    client.send(FRAME.SETTINGS, 0, 0, settings);
    return client;
  }

  send(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): void {
    const head = Buffer.alloc(9);
    writeHead(head, 0, { byteSize: payload.length, type, flags, streamId });
    this.#socket.write(Buffer.concat([head, payload]));
  }

  /** Opens a stream. */
  open(streamId: number, flags: number = FLAG.NONE): void {
    this.send(FRAME.HEADERS, flags | FLAG.END_HEADERS, streamId, REQUEST_BLOCK);
  }

  /** The first frame of a kind; waits for it. */
  async next(isWanted: (frame: ReceivedFrame) => boolean): Promise<ReceivedFrame> {
    for (;;) {
      const at = this.received.findIndex(isWanted);
      const [frame] = at < 0 ? [] : this.received.splice(at, 1);
      if (frame !== undefined) return frame;
      if (this.#isClosed) throw new Error('the connection was closed before such a frame came');
      await this.#changed.promise;
    }
  }

  /** All data of a stream, until so many bytes have come. */
  async data(streamId: number, byteSize: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let size = 0; size < byteSize;) {
      const { payload } = await this.next(
        (frame) => frame.type === FRAME.DATA && frame.streamId === streamId,
      );
      parts.push(payload);
      size += payload.length;
    }
    return Buffer.concat(parts);
  }

  /** Waits until the server has read all that was sent so far. */
  async settle(): Promise<void> {
    this.send(FRAME.PING, FLAG.NONE, 0, Buffer.from('settling'));
    await this.next(({ type, flags }) => type === FRAME.PING && flags === FLAG.ACK);
  }

  async closed(): Promise<void> {
    while (!this.#isClosed) await this.#changed.promise;
  }

  /** Reads nothing more, as a client that only asks. */
  stopReading(): void {
    this.#socket.pause();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
