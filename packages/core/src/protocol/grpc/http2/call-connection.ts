/** What is kept of one connection: its calls, its pings and its age. */
import type { Socket } from 'node:net';
import { HTTP2_ERROR } from '../../http2/frames.ts';
import { Http2Connection, type ConnectionOptions } from '../../http2/http2-connection.ts';
import type { Http2Stream } from '../../http2/http2-stream.ts';
import type { RequestHeaders } from '../../http2/request-headers.ts';
import { MAX_STREAMS, STREAM_RESETS, WINDOW_BYTE_SIZE } from '../limits.ts';
import type { GrpcKeepalive } from '../transport.ts';
import { LONGEST_TIMER } from './deadline.ts';

/** Milliseconds that clients must leave between pings while no call runs, unless that is permitted. */
const IDLE_PING_INTERVAL = 2 * 3600 * 1000;

/** Connections that were opened together should not all be closed together: 10 % to either side. */
const AGE_JITTER = 0.1;

/** More than what HTTP/2 itself sends between two pings, such as the answers to them: parts of a response. */
const CONTROL_BYTE_SIZE = 1024;

const HTTP2_OPTIONS: ConnectionOptions = {
  windowByteSize: WINDOW_BYTE_SIZE,
  maxStreams: MAX_STREAMS,
  ...STREAM_RESETS,
};

/** What a connection tells. */
interface CallConnectionListener {
  onStream(stream: Http2Stream, headers: RequestHeaders, connection: CallConnection): void;
  onClose(connection: CallConnection): void;
}

/**
 * Watches over a connection: sends pings and ends it when they stay unanswered, ends it when it is too old, and when
 * its client pings too often.
 */
export class CallConnection {
  /** Calls that are not over. */
  openCalls = 0;
  /** Pings that came too early since something was last sent. */
  #strikes = 0;
  #lastPing = -Infinity;
  /** What had been written to the connection at the last ping. */
  #bytesAtLastPing = 0;
  readonly #http2: Http2Connection;
  readonly #keepalive: GrpcKeepalive;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(socket: Socket, keepalive: GrpcKeepalive, listener: CallConnectionListener) {
    this.#keepalive = keepalive;
    this.#http2 = new Http2Connection(socket, HTTP2_OPTIONS, {
      onStream: (stream, headers) => {
        listener.onStream(stream, headers, this);
      },
      onPing: () => {
        this.#onPing();
      },
      onClose: () => {
        for (const timer of this.#timers) clearTimeout(timer);
        listener.onClose(this);
      },
    });
    this.#after(keepalive.time, () => {
      this.#ping();
    });
    const { maxConnectionAge } = keepalive;
    if (maxConnectionAge !== undefined) {
      this.#after(jittered(maxConnectionAge), () => {
        this.#retire();
      });
    }
  }

  /** Takes no new calls, lets the running ones end, then closes. */
  close(): void {
    this.#http2.close();
  }

  /** Cuts off its calls. */
  destroy(): void {
    this.#http2.destroy();
  }

  /** Something is sent to the client: its pings may come again. */
  noteSent(): void {
    this.#strikes = 0;
    this.#lastPing = -Infinity;
  }

  #ping(): void {
    const { time, timeout, permitWithoutCalls } = this.#keepalive;
    const again = (): void => {
      this.#after(time, () => {
        this.#ping();
      });
    };
    if (this.openCalls === 0 && !permitWithoutCalls) {
      again();
      return;
    }
    const giveUp = this.#after(timeout, () => {
      this.destroy();
    });
    this.#http2.ping(() => {
      this.#clear(giveUp);
      again();
    });
  }

  /** Calls that run may end, new ones go to another connection. */
  #retire(): void {
    this.close();
    const { maxConnectionAgeGrace } = this.#keepalive;
    if (maxConnectionAgeGrace === undefined) return;
    this.#after(maxConnectionAgeGrace, () => {
      this.destroy();
    });
  }

  #onPing(): void {
    // A large response is noted once, yet sent over many pings: with these clients learn how fast it comes.
    const { bytesWritten } = this.#http2;
    if (bytesWritten - this.#bytesAtLastPing > CONTROL_BYTE_SIZE) this.noteSent();
    this.#bytesAtLastPing = bytesWritten;
    const { minReceivedPingInterval, maxPingStrikes, permitWithoutCalls } = this.#keepalive;
    const now = performance.now();
    const isIdle = this.openCalls === 0 && !permitWithoutCalls;
    const interval = isIdle ? IDLE_PING_INTERVAL : minReceivedPingInterval;
    const isEarly = now - this.#lastPing < interval;
    this.#lastPing = now;
    if (!isEarly) return;
    this.#strikes += 1;
    if (maxPingStrikes === 0 || this.#strikes <= maxPingStrikes) return;
    this.#http2.fail(HTTP2_ERROR.ENHANCE_YOUR_CALM, 'too_many_pings');
  }

  #after(milliseconds: number, action: () => void): NodeJS.Timeout {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        action();
      },
      Math.min(milliseconds, LONGEST_TIMER),
    ).unref();
    this.#timers.add(timer);
    return timer;
  }

  #clear(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }
}

function jittered(milliseconds: number): number {
  return milliseconds * (1 + AGE_JITTER * (2 * Math.random() - 1));
}
