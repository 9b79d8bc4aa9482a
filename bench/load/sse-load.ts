/** Load in streams, and what it came to. The shapes travel between processes as JSON. */
import { setTimeout as wait } from 'node:timers/promises';
import { quantilesOf, type Quantiles } from '../measure/quantiles.ts';
import { SseConnection, type SseTarget } from './sse-connection.ts';

/** Each stream once, all of them at a time; tokens carry the time they were sent at (`stampsTokens` of the engine). */
export interface PacedLoad extends SseTarget {
  readonly kind: 'paced';
  readonly streams: number;
  /** Of each answer: an upper bound. */
  readonly tokens: number;
  /** Over how long the streams begin. */
  readonly rampSeconds: number;
}

/** So many streams at a time, a new one for each that ends. */
export interface ClosedLoad extends SseTarget {
  readonly kind: 'closed';
  readonly streams: number;
  readonly seconds: number;
}

/** Streams that are left after their first token, one after the other. */
export interface LeavingLoad extends SseTarget {
  readonly kind: 'leaving';
  readonly times: number;
}

export type SseLoad = PacedLoad | ClosedLoad | LeavingLoad;

/** Times in milliseconds. */
export interface PacedResult {
  readonly tokens: number;
  /** From when a token was sent to when it came. */
  readonly delay: Quantiles;
  /** By how much the gap between two tokens is longer than it was where they were sent. */
  readonly addedGap: Quantiles;
}

export interface ClosedResult {
  readonly answers: number;
  readonly tokensPerSecond: number;
  /** Milliseconds from a request to its first token. */
  readonly firstToken: Quantiles;
}

export interface LeavingResult {
  /** When each client went, in nanoseconds of the machine's monotonic clock. */
  readonly leftAtNs: readonly string[];
}

export interface SseResults {
  readonly paced: PacedResult;
  readonly closed: ClosedResult;
  readonly leaving: LeavingResult;
}

const STAMP = /(\d{11,19}) /g;
const NS_PER_MS = 1e6;

/** @throws Error when a stream fails: a figure with failures in it means nothing. */
export function runSseLoad(load: SseLoad): Promise<SseResults[keyof SseResults]> {
  switch (load.kind) {
    case 'paced':
      return runPaced(load);
    case 'closed':
      return runClosed(load);
    case 'leaving':
      return runLeaving(load);
  }
}

async function runPaced(load: PacedLoad): Promise<PacedResult> {
  const most = load.streams * load.tokens;
  const delays = new Float64Array(most);
  const gaps = new Float64Array(most);
  let tokens = 0;
  let gapCount = 0;
  const follow = async (): Promise<void> => {
    const connection = await SseConnection.open(load);
    let last: number | undefined;
    await new Promise<void>((resolve, reject) => {
      connection.send({
        onTokens: (_, text) => {
          const now = Number(process.hrtime.bigint());
          for (const [, stamp] of text.matchAll(STAMP)) {
            const delay = (now - Number(stamp)) / NS_PER_MS;
            delays[tokens++] = delay;
            if (last !== undefined) gaps[gapCount++] = delay - last;
            last = delay;
          }
        },
        onEnd: resolve,
        onFailure: reject,
      });
    });
    connection.close();
  };
  const running: Promise<void>[] = [];
  for (let started = 0; started < load.streams; started += 1) {
    running.push(follow());
    if (started % 10 === 9) await wait((load.rampSeconds * 10_000) / load.streams);
  }
  await Promise.all(running);
  return {
    tokens,
    delay: quantilesOf(delays.subarray(0, tokens)),
    addedGap: quantilesOf(gaps.subarray(0, gapCount)),
  };
}

async function runClosed(load: ClosedLoad): Promise<ClosedResult> {
  const firstTokens: number[] = [];
  let tokens = 0;
  const started = performance.now();
  const end = started + load.seconds * 1000;
  const repeat = async (): Promise<void> => {
    const connection = await SseConnection.open(load);
    while (performance.now() < end) await ask(connection);
    connection.close();
  };
  const ask = (connection: SseConnection): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = performance.now();
      let isFirst = true;
      connection.send({
        onTokens: (count) => {
          const now = performance.now();
          if (isFirst) firstTokens.push(now - sent);
          isFirst = false;
          // What comes after the end counts for no second of it.
          if (now < end) tokens += count;
        },
        onEnd: resolve,
        onFailure: reject,
      });
    });
  await Promise.all(Array.from({ length: load.streams }, repeat));
  return {
    answers: firstTokens.length,
    tokensPerSecond: tokens / load.seconds,
    firstToken: quantilesOf(firstTokens),
  };
}

async function runLeaving(load: LeavingLoad): Promise<LeavingResult> {
  const leftAtNs: string[] = [];
  for (let time = 0; time < load.times; time += 1) {
    const connection = await SseConnection.open(load);
    await new Promise<void>((resolve, reject) => {
      connection.send({ onTokens: () => resolve(), onEnd: resolve, onFailure: reject });
    });
    leftAtNs.push(String(process.hrtime.bigint()));
    connection.close();
    // So that the engine sees them go in this order.
    await wait(50);
  }
  return { leftAtNs };
}
