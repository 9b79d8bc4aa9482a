/** One stream of a connection: a request and its answer. */
import type { AnswerHeaders } from './header-encoder.ts';
import { WaitingData } from './waiting-data.ts';

/** What a stream tells. */
export interface StreamListener {
  /** A piece of the request, a view on what was received: copy what is kept. */
  dataReceived(piece: Buffer): void;
  /** The request is whole. */
  requestEnded(): void;
  /** The stream is over: both sides have ended, or one has given it up. */
  streamClosed(): void;
  /** All that was written has left. */
  streamDrained(): void;
}

/** What a stream needs of its connection. */
export interface StreamOwner {
  sendHeaders(streamId: number, headers: AnswerHeaders, how: HeaderKind): void;
  sendReset(streamId: number, code: number): void;
  /** So many bytes of a request were taken. */
  giveCredit(stream: Http2Stream, byteSize: number): void;
  /** The stream has so many bytes of data more to send. */
  send(stream: Http2Stream, byteSize: number): void;
  /** It is over: so many bytes of its data are not sent any more. */
  forget(stream: Http2Stream, byteSize: number): void;
}

/** How headers are sent. */
export interface HeaderKind {
  readonly endsStream: boolean;
  /** The same object is sent again and again. */
  readonly isRepeated: boolean;
}

/** Bytes that may be sent at first. */
export interface StreamWindows {
  readonly send: number;
  readonly receive: number;
}

const NOTHING = Buffer.alloc(0);

/** A server's end of a stream. Once it is over, all methods are without effect. */
export class Http2Stream {
  readonly id: number;
  /** Bytes of data that the client takes. */
  sendWindow: number;
  /** Bytes that the client may send. */
  receiveWindow: number;
  /** Bytes of the request that were taken, and for which the client was not told to send as many again. */
  unacknowledged = 0;
  readonly #owner: StreamOwner;
  #listener: StreamListener | undefined;
  /** Parts of the request that wait for a listener, or until it goes on. */
  readonly #received = new WaitingData();
  #isPaused = false;
  #isRemoteEnded = false;
  /** The listener was told. */
  #isEndTold = false;
  /** Data that waits for windows, or for the socket. */
  readonly #pending: Buffer[] = [];
  /** What follows the data: the headers that end the stream. */
  #trailers: AnswerHeaders | undefined;
  #isTrailersRepeated = false;
  #isLocalEnded = false;
  #isClosed = false;
  #sent = 0;
  #stall: NodeJS.Timeout | undefined;

  constructor(id: number, windows: StreamWindows, owner: StreamOwner) {
    this.id = id;
    this.sendWindow = windows.send;
    this.receiveWindow = windows.receive;
    this.#owner = owner;
  }

  /** Sets who is told. What came earlier comes now. */
  listen(listener: StreamListener): void {
    this.#listener = listener;
    if (!this.#isPaused) this.#deliver();
  }

  /** Nothing more can be sent: it was ended, given up or lost. */
  get isOver(): boolean {
    return this.#isClosed || this.#isLocalEnded || this.#trailers !== undefined;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The client sends no more. */
  get isRemoteEnded(): boolean {
    return this.#isRemoteEnded;
  }

  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  respond(headers: AnswerHeaders, how: HeaderKind): void {
    if (this.isOver) return;
    this.#owner.sendHeaders(this.id, headers, how);
    if (how.endsStream) this.#endLocal();
  }

  /**
   * Sends data, at once or when the client takes it. It must not change any more.
   *
   * @returns Whether more should be written; if not, `streamDrained` says when.
   */
  write(data: Buffer): boolean {
    if (this.isOver) return true;
    if (data.length > 0) this.#pending.push(data);
    this.#owner.send(this, data.length);
    return this.#pending.length === 0;
  }

  /**
   * Ends the answer, after all data, with these headers.
   *
   * @param isRepeated - They are sent again and again.
   */
  end(trailers: AnswerHeaders, isRepeated: boolean): void {
    if (this.isOver) return;
    this.#trailers = trailers;
    this.#isTrailersRepeated = isRepeated;
    this.#endWhenSent();
  }

  /** Gives the stream up. What was not sent is lost. */
  reset(code: number): void {
    if (this.#isClosed) return;
    this.#owner.sendReset(this.id, code);
    this.#close();
  }

  /** Takes nothing of the request until `resume`; what has come waits. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#deliver();
  }

  /** Calls back, once, when the client has taken nothing for so many milliseconds; 0 ends that. */
  watchStall(timeoutMs: number, listener: () => void): void {
    clearTimeout(this.#stall);
    if (timeoutMs === 0 || this.#isClosed) return;
    const sent = this.#sent;
    this.#stall = setTimeout(() => {
      if (this.#sent === sent) listener();
      else this.watchStall(timeoutMs, listener);
    }, timeoutMs);
  }

  receive(piece: Buffer): void {
    const listener = this.#listener;
    if (listener === undefined || this.#isPaused || !this.#received.isEmpty) {
      this.#received.push(piece);
      return;
    }
    this.#owner.giveCredit(this, piece.length);
    listener.dataReceived(piece);
  }

  endRemote(): void {
    this.#isRemoteEnded = true;
    if (!this.#isPaused) this.#deliver();
    if (this.#isLocalEnded) this.#close();
  }

  /** Takes some of the data that waits, at most so many bytes. */
  takePending(byteSize: number): Buffer {
    const [first = NOTHING] = this.#pending;
    const isWhole = first.length <= byteSize;
    if (isWhole) this.#pending.shift();
    else this.#pending[0] = first.subarray(byteSize);
    const data = isWhole ? first : first.subarray(0, byteSize);
    this.#sent += data.length;
    return data;
  }

  /** Called when nothing waits any more. */
  drained(): void {
    if (this.#trailers === undefined) this.#listener?.streamDrained();
    else this.#endWhenSent();
  }

  /** The client gave it up, or its connection is lost. */
  lose(): void {
    this.#close();
  }

  #deliver(): void {
    const listener = this.#listener;
    if (listener === undefined || this.#isClosed) return;
    while (!this.#isPaused) {
      const piece = this.#received.shift();
      if (piece === undefined) break;
      this.#owner.giveCredit(this, piece.length);
      listener.dataReceived(piece);
    }
    if (this.#isRemoteEnded && this.#received.isEmpty && !this.#isEndTold) {
      this.#isEndTold = true;
      listener.requestEnded();
    }
  }

  #endWhenSent(): void {
    const trailers = this.#trailers;
    if (trailers === undefined || this.#pending.length > 0 || this.#isLocalEnded || this.#isClosed) return;
    this.#owner.sendHeaders(this.id, trailers, {
      endsStream: true,
      isRepeated: this.#isTrailersRepeated,
    });
    this.#endLocal();
  }

  #endLocal(): void {
    this.#isLocalEnded = true;
    if (this.#isRemoteEnded) this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#stall);
    const unsent = byteSizeOf(this.#pending);
    this.#pending.length = 0;
    for (let piece = this.#received.shift(); piece !== undefined; piece = this.#received.shift()) {
      this.#owner.giveCredit(this, piece.length);
    }
    this.#owner.forget(this, unsent);
    this.#listener?.streamClosed();
  }
}

function byteSizeOf(pieces: readonly Buffer[]): number {
  let byteSize = 0;
  for (const piece of pieces) byteSize += piece.length;
  return byteSize;
}
