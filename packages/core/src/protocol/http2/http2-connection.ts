/** The server's end of an HTTP/2 connection (RFC 9113): its streams, windows and settings. */
import type { Socket } from 'node:net';
import { DataSender } from './data-sender.ts';
import { FrameReader, type FrameHandler } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import {
  DEFAULT_WINDOW_BYTE_SIZE,
  FLAG,
  FRAME,
  HTTP2_ERROR,
  MAX_WINDOW_BYTE_SIZE,
  uint32,
  type FrameHead,
} from './frames.ts';
import { destroyLater, endGently } from './end-socket.ts';
import { HeldRequests } from './held-requests.ts';
import { HeaderBlocks } from './header-blocks.ts';
import { HeaderDecoder } from './header-decoder.ts';
import { HeaderEncoder, type AnswerHeaders } from './header-encoder.ts';
import {
  assertPayloadSize,
  Http2ConnectionError,
  protocolError,
  tooMuch,
  windowTooLarge,
} from './http2-error.ts';
import { Http2Stream, type HeaderKind, type StreamOwner } from './http2-stream.ts';
import { DEFAULT_PEER_SETTINGS, readPeerSettings, serverSettings } from './settings.ts';
import { ReceiveWindow } from './receive-window.ts';
import { HeaderCollector, type RequestHeaders } from './request-headers.ts';
import { TokenBucket } from './token-bucket.ts';

/** What a client leaves unread when it asks for ever more headers, or answers to pings and settings: beyond it, it is an attack. */
const MAX_UNSENT_BYTE_SIZE = 64 * 2 ** 20;

/** Settings that a client may send: so many at once, and so many a second. Each concerns all of its streams. */
const SETTINGS_BURST = 100;
const SETTINGS_PER_SECOND = 10;

/** How a server treats its connections. */
export interface ConnectionOptions {
  /** Bytes that a client may send ahead, on a stream and on the connection. */
  readonly windowByteSize: number;
  /** Streams that a client may have open at a time. More are refused, which clients take as a reason to wait. */
  readonly maxStreams: number;
  /** Streams that a client may give up: so many at once, and so many a second. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
}

/** What a connection tells. */
export interface ConnectionListener {
  onStream(stream: Http2Stream, headers: RequestHeaders): void;
  onPing(): void;
  /** The connection is over, and so are all its streams. */
  onClose(): void;
}

export class Http2Connection implements FrameHandler, StreamOwner {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #listener: ConnectionListener;
  readonly #reader = new FrameReader(this);
  readonly #writer: FrameWriter;
  readonly #sender: DataSender;
  readonly #receiveWindow: ReceiveWindow;
  readonly #blocks = new HeaderBlocks();
  readonly #decoder = new HeaderDecoder();
  readonly #encoder = new HeaderEncoder();
  readonly #streams = new Map<number, Http2Stream>();
  readonly #resets: TokenBucket;
  readonly #settings = new TokenBucket(SETTINGS_BURST, SETTINGS_PER_SECOND);
  readonly #held: HeldRequests;
  #peer = DEFAULT_PEER_SETTINGS;
  #lastStreamId = 0;
  /** Whose frame of data is being read; undefined: of none that is open. */
  #receiving: Http2Stream | undefined;
  /** Bytes of that frame that are not its content. */
  #padding = 0;
  #isSettled = false;
  /** No new streams are taken. */
  #isClosing = false;
  #isClosed = false;
  /** By the order they were sent. */
  readonly #pings: (() => void)[] = [];

  constructor(socket: Socket, options: ConnectionOptions, listener: ConnectionListener) {
    this.#socket = socket;
    this.#options = options;
    this.#listener = listener;
    this.#resets = new TokenBucket(options.resetBurst, options.resetsPerSecond);
    this.#writer = new FrameWriter(socket);
    this.#sender = new DataSender(this.#writer);
    this.#receiveWindow = new ReceiveWindow(options.windowByteSize, (byteSize) => {
      this.#sendWindowUpdate(0, byteSize);
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#held = new HeldRequests(this.#sender, (stream, headers) => listener.onStream(stream, headers));
    socket.on('drain', () => {
      this.#sender.resumeAll();
      this.#held.goOn();
    });
    // What broke it shows in that it closes.
    socket.on('error', ignore);
    const lose = (): void => this.#lose();
    // Our side ends with the client's. What is being written, to one that has reset TLS, may never leave, and keep the socket open.
    socket.on('close', lose).on('end', lose);
    socket.on('end', () => destroyLater(socket));
    this.#greet();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Bytes that were written, whether or not the client has them. */
  get bytesWritten(): number {
    return this.#socket.bytesWritten;
  }

  /** Calls back when the client answers. */
  ping(answered: () => void): void {
    this.#pings.push(answered);
    this.#writer.write({ type: FRAME.PING, flags: FLAG.NONE, streamId: 0 }, Buffer.alloc(8));
  }

  /** Takes no new streams, lets the running ones end, then closes. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#sendGoaway(HTTP2_ERROR.NO_ERROR, '');
    this.#endWhenIdle();
  }

  /** Tells the client why, and closes at once. */
  fail(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#sendGoaway(code, reason);
    this.#lose();
    this.#endSocket();
    // Also when the client reads nothing.
    destroyLater(this.#socket);
  }

  /** Closes at once. */
  destroy(): void {
    this.#socket.destroy();
    this.#lose();
  }

  sendHeaders(streamId: number, headers: AnswerHeaders, { endsStream, isRepeated }: HeaderKind): void {
    const block = isRepeated ? this.#encoder.encodeRepeated(headers) : this.#encoder.encode(headers);
    this.#writer.writeHeaders(streamId, block, endsStream);
  }

  sendReset(streamId: number, code: number): void {
    this.#writer.write({ type: FRAME.RST_STREAM, flags: FLAG.NONE, streamId }, uint32(code));
  }

  giveCredit(stream: Http2Stream, byteSize: number): void {
    this.#receiveWindow.release(byteSize);
    stream.unacknowledged += byteSize;
    const { unacknowledged, isRemoteEnded, isClosed } = stream;
    if (unacknowledged < this.#options.windowByteSize / 2 || isRemoteEnded || isClosed) return;
    stream.unacknowledged = 0;
    stream.receiveWindow += unacknowledged;
    this.#sendWindowUpdate(stream.id, unacknowledged);
  }

  send(stream: Http2Stream, byteSize: number): void {
    this.#sender.send(stream, byteSize);
  }

  forget(stream: Http2Stream, byteSize: number): void {
    this.#streams.delete(stream.id);
    this.#sender.forget(stream, byteSize);
    if (byteSize > 0) this.#held.goOn();
    if (this.#isClosing) this.#endWhenIdle();
  }

  onDataHead(streamId: number, byteSize: number): void {
    const stream = this.#streams.get(streamId);
    const isUnknown = streamId === 0 || (streamId > this.#lastStreamId && !this.#isClosing);
    if (stream === undefined && isUnknown) {
      throw protocolError(`data for stream ${streamId}, which was not opened`);
    }
    this.#assertNoHeadersOpen();
    this.#receiveWindow.use(byteSize);
    this.#receiving = stream;
    this.#padding = byteSize;
    if (stream === undefined) return;
    stream.receiveWindow -= byteSize;
    if (stream.isRemoteEnded) this.#resetStream(stream, HTTP2_ERROR.STREAM_CLOSED);
    else if (stream.receiveWindow < 0) this.#resetStream(stream, HTTP2_ERROR.FLOW_CONTROL_ERROR);
  }

  onDataPiece(piece: Buffer): void {
    this.#padding -= piece.length;
    const stream = this.#receiving;
    if (stream === undefined || stream.isClosed) return;
    this.#receiveWindow.hold(piece.length);
    stream.receive(piece);
  }

  onDataEnd(endsStream: boolean): void {
    const stream = this.#receiving;
    this.#receiving = undefined;
    if (stream === undefined || stream.isClosed) {
      this.#receiveWindow.replenish();
      return;
    }
    this.#receiveWindow.hold(this.#padding);
    if (endsStream) stream.endRemote();
    this.giveCredit(stream, this.#padding);
  }

  onFrame(head: FrameHead, payload: Buffer): void {
    const { type } = head;
    if (this.#isClosed) return;
    if (type !== FRAME.CONTINUATION) this.#assertNoHeadersOpen();
    if (!this.#isSettled && type !== FRAME.SETTINGS) throw protocolError('a frame before the settings');
    if (type === FRAME.HEADERS || type === FRAME.CONTINUATION) this.#onHeaders(head, payload);
    else if (type === FRAME.WINDOW_UPDATE) this.#onWindowUpdate(head, payload);
    else if (type === FRAME.RST_STREAM) this.#onReset(head, payload);
    else if (type === FRAME.SETTINGS) this.#onSettings(head, payload);
    else if (type === FRAME.PING) this.#onPing(head, payload);
    else if (type === FRAME.PUSH_PROMISE) throw protocolError('a client can promise nothing');
    // Priorities are not kept; that a client wants to leave shows when it does. Unknown types are to be passed over.
  }

  #greet(): void {
    const { windowByteSize, maxStreams } = this.#options;
    const maxHeaderByteSize = HeaderBlocks.maxByteSize;
    const settings = serverSettings({ maxStreams, windowByteSize, maxHeaderByteSize });
    this.#writer.write({ type: FRAME.SETTINGS, flags: FLAG.NONE, streamId: 0 }, settings);
    this.#sendWindowUpdate(0, windowByteSize - DEFAULT_WINDOW_BYTE_SIZE);
  }

  #receive(chunk: Buffer): void {
    if (this.#isClosed) return;
    // Data waits in its streams; all else has no window that holds it back.
    if (this.#writer.unsentByteSize > MAX_UNSENT_BYTE_SIZE) {
      this.destroy();
      return;
    }
    try {
      this.#reader.push(chunk);
      this.#held.goOn();
    } catch (reason) {
      if (reason instanceof Http2ConnectionError) {
        this.fail(reason.code, reason.message);
        return;
      }
      // A fault of ours: what came behind the frame that met it is lost.
      this.destroy();
      throw reason;
    }
  }

  #onHeaders(head: FrameHead, payload: Buffer): void {
    const whole = this.#blocks.push(head, payload);
    if (whole === undefined) return;
    const { streamId, endsStream, block } = whole;
    // Also of streams that are not taken: each block may change the table.
    const collector = new HeaderCollector();
    this.#decoder.decode(block, collector.take);
    if (streamId % 2 === 0) throw protocolError(`a client can't open stream ${streamId}`);
    const open = this.#streams.get(streamId);
    if (open !== undefined) this.#onTrailers(open, endsStream && !collector.isMalformed);
    else if (streamId > this.#lastStreamId && !this.#isClosing) this.#open(streamId, endsStream, collector);
  }

  /** What is sent after a request: it ends it and is not looked at. */
  #onTrailers(stream: Http2Stream, isValid: boolean): void {
    if (stream.isRemoteEnded) this.#resetStream(stream, HTTP2_ERROR.STREAM_CLOSED);
    else if (isValid) stream.endRemote();
    else this.#resetStream(stream, HTTP2_ERROR.PROTOCOL_ERROR);
  }

  #open(streamId: number, isEnded: boolean, collector: HeaderCollector): void {
    this.#lastStreamId = streamId;
    if (this.#streams.size >= this.#options.maxStreams) {
      this.#countReset();
      this.sendReset(streamId, HTTP2_ERROR.REFUSED_STREAM);
      return;
    }
    const windows = { send: this.#peer.windowByteSize, receive: this.#options.windowByteSize };
    const stream = new Http2Stream(streamId, windows, this);
    this.#streams.set(streamId, stream);
    if (isEnded) stream.endRemote();
    if (collector.isTooLarge) this.#resetStream(stream, HTTP2_ERROR.ENHANCE_YOUR_CALM);
    else if (collector.isMalformed || !collector.isRequest)
      this.#resetStream(stream, HTTP2_ERROR.PROTOCOL_ERROR);
    else this.#held.take(stream, collector.headers);
  }

  #onWindowUpdate({ streamId }: FrameHead, payload: Buffer): void {
    assertPayloadSize(payload, 4);
    const increment = payload.readUInt32BE(0) & 0x7fff_ffff;
    if (streamId === 0) {
      if (increment === 0) throw protocolError('a window that grows by nothing');
      if (this.#sender.grow(increment) > MAX_WINDOW_BYTE_SIZE) throw windowTooLarge();
      this.#sender.resumeAll();
      return;
    }
    if (streamId > this.#lastStreamId && !this.#isClosing)
      throw protocolError(`stream ${streamId} was not opened`);
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    stream.sendWindow += increment;
    if (increment === 0) this.#resetStream(stream, HTTP2_ERROR.PROTOCOL_ERROR);
    else if (stream.sendWindow > MAX_WINDOW_BYTE_SIZE)
      this.#resetStream(stream, HTTP2_ERROR.FLOW_CONTROL_ERROR);
    else this.#sender.resume(stream);
  }

  #onReset({ streamId }: FrameHead, payload: Buffer): void {
    assertPayloadSize(payload, 4);
    if (streamId === 0 || (streamId > this.#lastStreamId && !this.#isClosing)) {
      throw protocolError(`stream ${streamId} was not opened`);
    }
    this.#countReset();
    this.#streams.get(streamId)?.lose();
  }

  #onSettings({ flags, streamId }: FrameHead, payload: Buffer): void {
    if (streamId !== 0) throw protocolError('settings of a stream');
    this.#isSettled = true;
    if ((flags & FLAG.ACK) !== 0) return;
    if (!this.#settings.take(performance.now())) throw tooMuch('too many settings');
    const { windowByteSize } = this.#peer;
    this.#peer = readPeerSettings(payload, this.#peer);
    const growth = this.#peer.windowByteSize - windowByteSize;
    for (const stream of this.#streams.values()) {
      stream.sendWindow += growth;
      if (stream.sendWindow > MAX_WINDOW_BYTE_SIZE) throw windowTooLarge();
    }
    this.#sender.frameByteSize = this.#peer.frameByteSize;
    this.#encoder.limitTable(this.#peer.headerTableByteSize);
    this.#writer.write({ type: FRAME.SETTINGS, flags: FLAG.ACK, streamId: 0 }, Buffer.alloc(0));
    if (growth > 0) for (const stream of this.#streams.values()) this.#sender.resume(stream);
  }

  #onPing({ flags }: FrameHead, payload: Buffer): void {
    assertPayloadSize(payload, 8);
    if ((flags & FLAG.ACK) !== 0) {
      this.#pings.shift()?.();
      return;
    }
    // gRPC clients ping after each response to learn how fast data come; their next request is right behind.
    this.#writer.writeAlong({ type: FRAME.PING, flags: FLAG.ACK, streamId: 0 }, payload);
    this.#listener.onPing();
  }

  #sendWindowUpdate(streamId: number, increment: number): void {
    if (this.#isClosed) return;
    this.#writer.write({ type: FRAME.WINDOW_UPDATE, flags: FLAG.NONE, streamId }, uint32(increment));
  }

  /** Ends a stream whose client broke a rule. */
  #resetStream(stream: Http2Stream, code: number): void {
    this.#countReset();
    stream.reset(code);
  }

  /** Opening and giving up streams without end is a way to attack a server, whichever side gives them up. */
  #countReset(): void {
    if (this.#resets.take(performance.now())) return;
    throw tooMuch('too many streams were given up');
  }

  #assertNoHeadersOpen(): void {
    if (this.#blocks.isOpen) throw protocolError('a frame between those of a header block');
  }

  #sendGoaway(code: number, reason: string): void {
    const payload = Buffer.concat([uint32(this.#lastStreamId), uint32(code), Buffer.from(reason)]);
    this.#writer.write({ type: FRAME.GOAWAY, flags: FLAG.NONE, streamId: 0 }, payload);
  }

  #endWhenIdle(): void {
    if (this.#streams.size === 0) this.#endSocket();
  }

  #endSocket(): void {
    this.#writer.flush();
    endGently(this.#socket);
  }

  #lose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isClosing = false;
    for (const stream of [...this.#streams.values()]) stream.lose();
    this.#listener.onClose();
  }
}

function ignore(): void {}
