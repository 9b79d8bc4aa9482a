/** Load in streams, and what it came to. The shapes travel between processes as JSON. */
import { setTimeout as wait } from 'node:timers/promises';
import { quantilesOf, type Quantiles } from '../measure/quantiles.ts';
import { countEvents, findStamps } from './event-bytes.ts';
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
  /** Over how long the first ones begin: answers of one length would else all begin at one moment, again and again. */
  readonly rampSeconds: number;
  /**
   * Each stream rests up to so long between two answers. Default: 0. Whatever holds up several streams has them go on together, and
   * answers of one length keep them so: each would wait for its turn among the others ever after, as no real clients do.
   */
  readonly restSeconds?: number;
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

const NS_PER_MS = 1e6;
const GOLDEN_RATIO = 0.618_033_988_75;

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

/** Spreads starts over 0 to 1 evenly, but in no rhythm: else hundreds of streams would have their tokens at one moment. */
function startsOf(streams: number): readonly number[] {
  return Array.from({ length: streams }, (_, index) => (index * GOLDEN_RATIO) % 1);
}

/** What is measured while all streams run: neither their start nor their end. */
class PacedTimes {
  readonly #streams: number;
  readonly #delays: Float64Array;
  readonly #gaps: Float64Array;
  #started = 0;
  #isOver = false;
  #tokens = 0;
  #gapCount = 0;

  constructor({ streams, tokens }: PacedLoad) {
    this.#streams = streams;
    this.#delays = new Float64Array(streams * tokens);
    this.#gaps = new Float64Array(streams * tokens);
  }

  /** @param before - The delay of the stream's token before; undefined for its first. */
  add(delay: number, before: number | undefined): void {
    if (before === undefined) this.#started += 1;
    if (this.#started < this.#streams || this.#isOver) return;
    this.#delays[this.#tokens++] = delay;
    if (before !== undefined) this.#gaps[this.#gapCount++] = delay - before;
  }

  end(): void {
    this.#isOver = true;
  }

  result(): PacedResult {
    return {
      tokens: this.#tokens,
      delay: quantilesOf(this.#delays.subarray(0, this.#tokens)),
      addedGap: quantilesOf(this.#gaps.subarray(0, this.#gapCount)),
    };
  }
}

async function runPaced(load: PacedLoad): Promise<PacedResult> {
  const times = new PacedTimes(load);
  const follow = async (startMs: number): Promise<void> => {
    await wait(startMs);
    const connection = await SseConnection.open(load);
    let before: number | undefined;
    await new Promise<void>((resolve, reject) => {
      connection.send({
        onData: (bytes) => {
          const now = Number(process.hrtime.bigint());
          findStamps(bytes, (sent) => {
            const delay = (now - sent) / NS_PER_MS;
            times.add(delay, before);
            before = delay;
          });
        },
        onEnd: resolve,
        onFailure: reject,
      });
    });
    times.end();
    connection.close();
  };
  await Promise.all(startsOf(load.streams).map((start) => follow(start * load.rampSeconds * 1000)));
  return times.result();
}

async function runClosed(load: ClosedLoad): Promise<ClosedResult> {
  const firstTokens: number[] = [];
  let tokens = 0;
  const started = performance.now();
  const end = started + load.seconds * 1000;
  const { restSeconds = 0 } = load;
  const repeat = async (start: number): Promise<void> => {
    await wait(start * load.rampSeconds * 1000);
    const connection = await SseConnection.open(load);
    for (let rest = start; performance.now() < end; rest = (rest + GOLDEN_RATIO) % 1) {
      await ask(connection);
      if (restSeconds > 0) await wait(rest * restSeconds * 1000);
    }
    connection.close();
  };
  const ask = (connection: SseConnection): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = performance.now();
      let isFirst = true;
      connection.send({
        onData: (bytes) => {
          const now = performance.now();
          const count = countEvents(bytes);
          if (isFirst && count > 0) {
            firstTokens.push(now - sent);
            isFirst = false;
          }
          // What comes after the end counts for no second of it.
          if (now < end) tokens += count;
        },
        onEnd: resolve,
        onFailure: reject,
      });
    });
  await Promise.all(startsOf(load.streams).map(repeat));
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
      connection.send({ onData: () => resolve(), onEnd: resolve, onFailure: reject });
    });
    leftAtNs.push(String(process.hrtime.bigint()));
    connection.close();
    // So that the engine sees them go in this order.
    await wait(50);
  }
  return { leftAtNs };
}
