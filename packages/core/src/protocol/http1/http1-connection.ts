/** A client's connection as long as its requests are plain. Hot path. */
import type { Socket } from 'node:net';
import { endGently } from '../http2/end-socket.ts';
import { IncomingBody, tensorsStart } from './incoming-body.ts';
import { PlainAnswer, type AnswerOwner } from './plain-answer.ts';
import { PlainRequest } from './plain-request.ts';
import { readInto, type ReadInto, type ReadSink, type StopReading } from './read-into.ts';
import { readRequestHead, type RequestHead } from './request-head.ts';

export type PlainListener = (request: PlainRequest, answer: PlainAnswer) => void;

/** What a connection asks and tells. */
export interface ConnectionOwner {
  /** Whom requests of this head are for, this one and later ones; undefined: it is not for us. */
  find(head: RequestHead): PlainListener | undefined;
  /** It is over, or somebody else's. */
  onGone(connection: Http1Connection): void;
  /**
   * A request came that is not plain. The socket is paused, and its errors are passed over.
   *
   * @param bytes - What was read of it.
   */
  onUnusual(socket: Socket, bytes: Buffer): void;
  /** A client takes too long. */
  onTooSlow(socket: Socket): void;
}

/** How long a client may take, in milliseconds. */
export interface ConnectionTimeouts {
  /** Until its first request. */
  readonly first: number;
  /** For the body of a request. */
  readonly body: number;
}

/** A head that was read, with its bytes: clients mostly send the same one over and over. */
interface KnownHead {
  readonly bytes: Buffer;
  readonly head: RequestHead;
  readonly listener: PlainListener;
}

/** What all connections read into that have no large body under way: what is not used in the same turn is copied. */
const COMMON = Buffer.allocUnsafeSlow(65_536);

/**
 * States: idle ⇄ busy with one request, whose body may still come; closing after the answer; gone. What a client sends ahead
 * waits with it.
 */
export class Http1Connection implements AnswerOwner {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #connectedAt = performance.now();
  #known: KnownHead | undefined;
  /** undefined: all bytes come as `data`. */
  readonly #stopReading: StopReading | undefined;
  /** What was read and not used. */
  #rest: Buffer | undefined;
  /** Whether that lies in the common memory. */
  #isLent = false;
  /** undefined: idle. */
  #answer: PlainAnswer | undefined;
  #body: IncomingBody | undefined;
  #isAdvancing = false;
  #isClosing = false;
  #isGone = false;

  readonly #onData = (chunk: Buffer): void => {
    this.#rest = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#advance();
  };
  readonly #sink: ReadSink = {
    memory: () => this.#body?.room ?? COMMON,
    onRead: (byteLength, memory) => {
      if (memory === COMMON) this.#onCommon(COMMON.subarray(0, byteLength));
      else this.#onRoomFilled(byteLength);
    },
  };
  /** A body that was held is asked for: later than in its turn, it has to be taken from what was read. */
  readonly #onWanted = (): void => {
    if (this.#rest !== undefined) this.#advance();
  };
  readonly #onDrain = (): void => {
    this.#answer?.emit('drain');
    this.#advance();
  };
  readonly #onTimeout = (): void => void this.#answer?.emit('timeout');
  readonly #onClose = (): void => {
    this.#leave();
    this.#owner.onGone(this);
    this.#answer?.close();
  };

  /** @param read - How bytes come into memory of ours. Default: as far as Node can do it. */
  constructor(socket: Socket, owner: ConnectionOwner, read: ReadInto = readInto) {
    this.#socket = socket;
    this.#owner = owner;
    // What breaks a connection shows in that it closes.
    socket.on('data', this.#onData).on('close', this.#onClose).on('error', ignore);
    socket.on('drain', this.#onDrain).on('timeout', this.#onTimeout);
    this.#stopReading = read(socket, this.#sink);
  }

  /** Lets a running request end, then closes. */
  close(): void {
    this.#isClosing = true;
    if (this.#answer !== undefined) this.#answer.shouldKeepAlive = false;
    else if (this.#socket.writableLength === 0) this.#socket.destroy();
    else this.#end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Gives a client up that takes too long. */
  expire({ first, body }: ConnectionTimeouts): void {
    const now = performance.now();
    const isSilent = this.#known === undefined && now - this.#connectedAt > first;
    const isSlow = this.#body !== undefined && now - this.#body.startedAt > body;
    if (this.#isGone || (!isSilent && !isSlow)) return;
    this.#leave();
    // Who has an answer already gets no other one.
    const isAnswered = isSlow && this.#answer?.headersSent !== false;
    if (isAnswered) this.#socket.destroy();
    else this.#owner.onTooSlow(this.#socket);
  }

  onEnded(answer: PlainAnswer): void {
    this.#answer = undefined;
    if (!answer.shouldKeepAlive || this.#isClosing) {
      this.#end();
      return;
    }
    this.#body?.discard();
    this.#advance();
  }

  #onCommon(chunk: Buffer): void {
    this.#isLent = this.#rest === undefined;
    try {
      this.#onData(chunk);
    } finally {
      if (this.#isLent && this.#rest !== undefined) this.#rest = Buffer.from(this.#rest);
      this.#isLent = false;
    }
  }

  #onRoomFilled(byteLength: number): void {
    const body = this.#body;
    if (body === undefined) return;
    try {
      body.onRoomFilled(byteLength);
    } finally {
      if (body.isComplete) this.#body = undefined;
    }
  }

  /** Closes once all that was written has gone. */
  #end(): void {
    if (this.#isGone) return;
    this.#leave();
    this.#socket.resume();
    endGently(this.#socket);
  }

  /** Goes on with what was read. */
  #advance(): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    try {
      while (this.#rest !== undefined && !this.#isGone && this.#take(this.#rest));
    } finally {
      this.#isAdvancing = false;
    }
    if (this.#isGone) return;
    // What is not wanted yet waits with the client.
    if (this.#rest !== undefined) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** @returns false when it has to wait. */
  #take(bytes: Buffer): boolean {
    if (this.#body !== undefined) return this.#takeBody(bytes, this.#body);
    // Nor is a request taken whose client leaves earlier answers unread: they would pile up here.
    if (this.#answer !== undefined || this.#socket.writableNeedDrain) return false;
    const known = this.#readHead(bytes);
    if (known === undefined) {
      this.#handOver(bytes);
      return false;
    }
    this.#skip(bytes, known.bytes.length);
    this.#start(known);
    return true;
  }

  #takeBody(bytes: Buffer, body: IncomingBody): boolean {
    // The listener may answer at once, and the answer looks at what is left; if it throws, only its own request ends.
    const { missing } = body;
    try {
      body.take(bytes, this.#isLent);
    } finally {
      if (body.isComplete) this.#body = undefined;
      if (!this.#isGone) this.#skip(bytes, missing - body.missing);
    }
    return body.missing < missing;
  }

  #skip(bytes: Buffer, byteLength: number): void {
    this.#rest = byteLength === bytes.length ? undefined : bytes.subarray(byteLength);
  }

  #readHead(bytes: Buffer): KnownHead | undefined {
    const known = this.#known;
    if (known !== undefined && startsWith(bytes, known.bytes)) return known;
    const head = readRequestHead(bytes);
    const listener = head && this.#owner.find(head);
    if (head === undefined || listener === undefined) return undefined;
    // A copy: the rest of the chunk need not be kept.
    this.#known = { bytes: Buffer.from(bytes.subarray(0, head.byteLength)), head, listener };
    return this.#known;
  }

  #start({ head, listener }: KnownHead): void {
    const body = new IncomingBody(head.contentLength, tensorsStart(head.headers));
    const answer = new PlainAnswer(this.#socket, this);
    answer.shouldKeepAlive = head.keepsAlive;
    this.#answer = answer;
    this.#body = body.isComplete ? undefined : body;
    listener(new PlainRequest(head, body, this.#onWanted), answer);
  }

  #handOver(bytes: Buffer): void {
    this.#leave();
    this.#owner.onGone(this);
    const own = this.#isLent ? Buffer.from(bytes) : bytes;
    this.#owner.onUnusual(this.#socket.off('close', this.#onClose).pause(), own);
  }

  /** Nothing more is read here. */
  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#stopReading?.();
    const socket = this.#socket;
    socket.off('data', this.#onData).off('drain', this.#onDrain).off('timeout', this.#onTimeout);
  }
}

function startsWith(bytes: Buffer, start: Buffer): boolean {
  const { length } = start;
  return bytes.length >= length && bytes.compare(start, 0, length, 0, length) === 0;
}

function ignore(): void {}
