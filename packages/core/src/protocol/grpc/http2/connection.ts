/** What is kept of one connection: its calls, its pings and its age. */
import { constants, type Http2Session } from 'node:http2';
import type { GrpcKeepalive } from '../transport.ts';

/** Milliseconds that clients must leave between pings while no call runs, unless that is permitted. */
const IDLE_PING_INTERVAL = 2 * 3600 * 1000;

/** The longest time that a timer can be set to, in milliseconds: 24 days. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** Connections that were opened together should not all be closed together: 10 % to either side. */
const AGE_JITTER = 0.1;

/** More than what HTTP/2 itself sends between two pings, such as the answers to them: parts of a response. */
const CONTROL_BYTE_SIZE = 1024;

/**
 * Watches over a connection: sends pings and ends it when they stay unanswered, ends it when it is too old, and when
 * its client pings too often.
 */
export class Connection {
  /** Calls that are not over. */
  openCalls = 0;
  /** Pings that came too early since something was last sent. */
  #strikes = 0;
  #lastPing = -Infinity;
  /** What had been written to the connection at the last ping. */
  #bytesAtLastPing = 0;
  readonly #session: Http2Session;
  readonly #keepalive: GrpcKeepalive;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(session: Http2Session, keepalive: GrpcKeepalive) {
    this.#session = session;
    this.#keepalive = keepalive;
    session.on('ping', () => {
      this.#onPing();
    });
    session.on('close', () => {
      for (const timer of this.#timers) clearTimeout(timer);
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
      this.#session.destroy();
    });
    const isSent = this.#session.ping((error) => {
      this.#clear(giveUp);
      if (error === null) again();
      else this.#session.destroy();
    });
    if (!isSent) this.#clear(giveUp);
  }

  /** Calls that run may end, new ones go to another connection. */
  #retire(): void {
    this.#session.close();
    const { maxConnectionAgeGrace } = this.#keepalive;
    if (maxConnectionAgeGrace === undefined) return;
    this.#after(maxConnectionAgeGrace, () => {
      this.#session.destroy();
    });
  }

  #onPing(): void {
    if (this.#session.destroyed) return;
    // A large response is noted once, yet sent over many pings: with these clients learn how fast it comes.
    const { bytesWritten } = this.#session.socket;
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
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'));
    this.#session.destroy();
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
