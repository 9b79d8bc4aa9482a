import type { Tensor } from '@nereid/protocol';
import type { SequenceKey } from './sequence-key.ts';

/**
 * A sequence that goes on. States: backlogged → placed (in a slot) → over. Placed, it is busy while a request of it
 * executes or waits, and idle otherwise; it is over when its last request was answered, or after too long an idleness.
 */
export interface LiveSequence<R> {
  /** Correlation ID, with its kind: at most one sequence of a key has a slot at a time. */
  readonly key: SequenceKey;
  /** Undefined in the backlog. */
  slot: number | undefined;
  /** Requests that wait for those before them, in order. */
  readonly waiting: R[];
  /** The request that executes. */
  running: R | undefined;
  /** Whether no request may be added: END was seen, or it was cut short. */
  isClosed: boolean;
  /** When it must have left the backlog; Infinity: no limit. */
  deadline: number;
  /** When it became idle. */
  idleSince: number;
  /** The implicit state: inputs of the next request. */
  state: readonly Tensor[];
}

/** A request on its way into its sequence. */
export interface SequenceEntry<R> {
  readonly key: SequenceKey;
  readonly request: R;
  readonly isStart: boolean;
  readonly isEnd: boolean;
  /** Until when it may be in the backlog; Infinity: any time. */
  readonly deadline: number;
}

/** Settings of {@link SequenceSlots}. */
export interface SequenceSlotsOptions {
  /** Slots in the order in which they are filled; the numbers are the caller's. */
  readonly slots: readonly number[];
  /** Idle time after which a sequence is over, in nanoseconds. */
  readonly idleNs: number;
}

/**
 * Which sequence has which slot, which ones wait for a slot, and the requests of each in order. It knows the time only
 * as an argument, and of requests no more than their order: what executes when is the caller's business.
 */
export class SequenceSlots<R> {
  readonly #free: number[];
  readonly #rank: ReadonlyMap<number, number>;
  readonly #idleNs: number;
  /** Sequences that take further requests. */
  readonly #open = new Map<SequenceKey, LiveSequence<R>>();
  /** Sequences that have a slot. */
  readonly #placed = new Map<SequenceKey, LiveSequence<R>>();
  /** In the order of their first request. */
  readonly #backlog = new Set<LiveSequence<R>>();
  /** Placed sequences without any request, the longest idle first. */
  readonly #idle = new Set<LiveSequence<R>>();

  constructor({ slots, idleNs }: SequenceSlotsOptions) {
    this.#free = [...slots];
    this.#rank = new Map(slots.map((slot, rank) => [slot, rank]));
    this.#idleNs = idleNs;
  }

  /** Sequences with a slot or in the backlog. */
  get liveCount(): number {
    return this.#placed.size + this.#backlog.size;
  }

  /** Whether a request of that key that is no START would be taken. */
  isOpen(key: SequenceKey): boolean {
    return this.#open.has(key);
  }

  /**
   * Adds a request to the sequence it continues, or begins one. A START of a sequence that is open goes behind its
   * requests, and begins it anew there.
   *
   * @returns Its sequence; undefined, and nothing is kept, when it continues a sequence that is not there.
   */
  add({ key, request, isStart, isEnd, deadline }: SequenceEntry<R>): LiveSequence<R> | undefined {
    const sequence = this.#open.get(key) ?? (isStart ? this.#begin(key) : undefined);
    if (sequence === undefined) return undefined;
    sequence.waiting.push(request);
    if (sequence.slot === undefined) sequence.deadline = Math.min(sequence.deadline, deadline);
    this.#idle.delete(sequence);
    if (isEnd) this.#close(sequence);
    return sequence;
  }

  /** The request of a sequence that is to execute now; undefined when there is none, or another one executes. */
  next(sequence: LiveSequence<R>): R | undefined {
    if (sequence.slot === undefined || sequence.running !== undefined) return undefined;
    sequence.running = sequence.waiting.shift();
    return sequence.running;
  }

  /**
   * The running request of a sequence was answered.
   *
   * @returns The sequence that has a request to execute next: this one, or the one that got its slot.
   */
  finish(sequence: LiveSequence<R>, nowNs: number): LiveSequence<R> | undefined {
    sequence.running = undefined;
    if (sequence.waiting.length > 0) return sequence;
    if (sequence.isClosed) return this.#release(sequence);
    sequence.idleSince = nowNs;
    this.#idle.add(sequence);
    return undefined;
  }

  /**
   * Cuts a sequence short: it takes no further request. The one that executes is the last.
   *
   * @returns Its requests that wait, which are forgotten, and the sequence that got its slot.
   */
  cut(sequence: LiveSequence<R>): { readonly dropped: R[]; readonly next: LiveSequence<R> | undefined } {
    const isLive = this.#placed.get(sequence.key) === sequence || this.#backlog.has(sequence);
    if (!isLive) return { dropped: [], next: undefined };
    this.#close(sequence);
    const dropped = sequence.waiting.splice(0);
    const isOver = sequence.running === undefined;
    return { dropped, next: isOver ? this.#release(sequence) : undefined };
  }

  /** Cuts all sequences short, but lets them answer what they have; returns those that got the slots of idle ones. */
  closeAll(): LiveSequence<R>[] {
    for (const sequence of [...this.#open.values()]) this.#close(sequence);
    return [...this.#idle].flatMap((sequence) => this.#release(sequence) ?? []);
  }

  /** Ends the sequences that were idle for too long; returns those that got their slots. */
  expireIdle(nowNs: number): LiveSequence<R>[] {
    const placed: LiveSequence<R>[] = [];
    for (const sequence of this.#idle) {
      if (sequence.idleSince + this.#idleNs > nowNs) break;
      this.#close(sequence);
      const next = this.#release(sequence);
      if (next !== undefined) placed.push(next);
    }
    return placed;
  }

  /** Takes the sequences whose time in the backlog is over out of it, and returns their requests. */
  expireBacklog(nowNs: number): R[] {
    const dropped: R[] = [];
    for (const sequence of this.#backlog) {
      if (sequence.deadline <= nowNs) dropped.push(...this.cut(sequence).dropped);
    }
    return dropped;
  }

  /** When `expireIdle` has something to do if nothing happens until then; Infinity: never. */
  nextIdleExpiry(): number {
    const [first] = this.#idle;
    return first === undefined ? Infinity : first.idleSince + this.#idleNs;
  }

  /** When `expireBacklog` has something to do; Infinity: never. */
  nextDeadline(): number {
    let next = Infinity;
    for (const { deadline } of this.#backlog) next = Math.min(next, deadline);
    return next;
  }

  /** Forgets everything; returns the requests that waited. */
  clear(): R[] {
    const waiting = [...this.#placed.values(), ...this.#backlog].flatMap((s) => s.waiting.splice(0));
    for (const part of [this.#open, this.#placed, this.#backlog, this.#idle]) part.clear();
    return waiting;
  }

  #begin(key: SequenceKey): LiveSequence<R> {
    const sequence: LiveSequence<R> = {
      key,
      slot: undefined,
      waiting: [],
      running: undefined,
      isClosed: false,
      deadline: Infinity,
      idleSince: Infinity,
      state: [],
    };
    this.#open.set(key, sequence);
    if (this.#free.length === 0 || this.#placed.has(key)) this.#backlog.add(sequence);
    else this.#place(sequence);
    return sequence;
  }

  #close(sequence: LiveSequence<R>): void {
    sequence.isClosed = true;
    if (this.#open.get(sequence.key) === sequence) this.#open.delete(sequence.key);
  }

  #place(sequence: LiveSequence<R>): void {
    sequence.slot = this.#free.shift();
    this.#placed.set(sequence.key, sequence);
  }

  /** Takes a sequence out for good, and gives its slot to the first one of the backlog that may have it. */
  #release(sequence: LiveSequence<R>): LiveSequence<R> | undefined {
    this.#backlog.delete(sequence);
    this.#idle.delete(sequence);
    if (sequence.slot === undefined) return undefined;
    this.#placed.delete(sequence.key);
    this.#giveBack(sequence.slot);
    for (const candidate of this.#backlog) {
      // Another sequence of the same correlation ID must end first.
      if (this.#placed.has(candidate.key)) continue;
      this.#backlog.delete(candidate);
      this.#place(candidate);
      return candidate;
    }
    return undefined;
  }

  #giveBack(slot: number): void {
    const rank = this.#rank.get(slot) ?? 0;
    const at = this.#free.findIndex((other) => (this.#rank.get(other) ?? 0) > rank);
    this.#free.splice(at < 0 ? this.#free.length : at, 0, slot);
  }
}
