import { InferenceServerError } from '@nereid/protocol';

/** A resource that an instance holds while it executes. */
export interface ResourceNeed {
  readonly name: string;
  readonly count: number;
  /** The device whose units are meant; undefined for a resource that the whole server has once. */
  readonly device: number | undefined;
}

/** A capacity that was given: of one device, or of each where there is none (then also of a global resource). */
export interface ResourceCapacity {
  readonly name: string;
  readonly count: number;
  readonly device?: number;
}

/** What an instance says of itself. */
export interface LimitedInstance {
  readonly instanceName: string;
  readonly needs: readonly ResourceNeed[];
  /** Weight: priority n gets 1/n of the executions of priority 1; 0 counts as 1. */
  readonly priority: number;
}

/** An instance's place in the rate limiter. States: idle → waiting → holding → idle; `withdraw` leads back from both. */
export interface RateLimitSlot {
  /** Its virtual time: of those that ask, the lowest is served first. */
  readonly turn: number;
  /** Waits for the resources; `onGrant` is called once they are held, perhaps at once. Nobody else's is, within it. */
  acquire(onGrant: () => void): void;
  /** Gives up its wait, or what it holds and has not used: its turn is still to come. */
  withdraw(): void;
  /**
   * Gives the resources back.
   *
   * @param next - Called before anybody else gets them: what the instance wants next competes with the others.
   */
  release(next: () => void): void;
  /** Leaves the limiter: gives up its wait or what it holds, and no longer counts for the capacities. */
  close(): void;
}

interface Slot extends LimitedInstance {
  /** Virtual time of its next turn: grows by the priority with each. */
  turn: number;
  holds: boolean;
}

interface Waiting {
  readonly slot: Slot;
  readonly onGrant: () => void;
}

/**
 * Hands the resources of the server to instances that want to execute (SCH-29, SCH-30), in the order of their turns.
 * What a waiting instance needs is kept for it: one behind it runs only with what it leaves over, so that neither a
 * large need nor a low priority waits for ever. Knows no time but the turns that it counts.
 */
export class RateLimiter {
  readonly #given: readonly ResourceCapacity[];
  readonly #slots = new Set<Slot>();
  /** In the order of arrival. */
  #waiting: Waiting[] = [];
  /** Turn of the last one that was granted: those that come late begin here, and make up for nothing. */
  #now = 0;
  #isGranting = false;

  /** @param given - Capacities of `--rate-limit-resource`; others are as large as the largest need of an instance. */
  constructor(given: readonly ResourceCapacity[] = []) {
    this.#given = given;
  }

  /**
   * Takes an instance in.
   *
   * @throws InferenceServerError INVALID_ARG naming the resource, when there is less of it than the instance needs, or
   * when it is global for one instance and of a device for another.
   */
  register(instance: LimitedInstance): RateLimitSlot {
    for (const need of instance.needs) this.#check(need, instance);
    const slot: Slot = { ...instance, turn: this.#now, holds: false };
    this.#slots.add(slot);
    // Its need may have raised a capacity.
    this.#grant();
    return {
      get turn() {
        return slot.turn;
      },
      acquire: (onGrant) => {
        slot.turn = Math.max(slot.turn, this.#now);
        this.#waiting.push({ slot, onGrant });
        this.#grant();
      },
      withdraw: () => {
        if (slot.holds) slot.turn -= weightOf(slot);
        this.#leave(slot);
      },
      release: (next) => {
        slot.holds = false;
        next();
        this.#grant();
      },
      close: () => {
        this.#slots.delete(slot);
        this.#leave(slot);
      },
    };
  }

  /** Units of a resource that are held. */
  held({ name, device }: Omit<ResourceNeed, 'count'>): number {
    return sum([...this.#slots].flatMap((slot) => (slot.holds ? needsOf(slot, name, device) : [])));
  }

  /** Units of a resource that there are. */
  capacity({ name, device }: Omit<ResourceNeed, 'count'>): number {
    const given = this.#givenCapacity(name, device);
    return given ?? Math.max(0, ...[...this.#slots].flatMap((slot) => needsOf(slot, name, device)));
  }

  #check(need: ResourceNeed, { instanceName }: LimitedInstance): void {
    const { name, device, count } = need;
    const isGlobal = device === undefined;
    const others = [...this.#slots].flatMap(({ needs }) => needs);
    if (others.some((other) => other.name === name && (other.device === undefined) !== isGlobal)) {
      throw new InferenceServerError(
        'INVALID_ARG',
        `Resource "${name}" is present as both global and device-specific resource in the model configuration: ` +
          `for instance '${instanceName}' it is ${isGlobal ? 'global' : 'device-specific'}`,
      );
    }
    const limit = this.#givenCapacity(name, device);
    if (limit === undefined || limit >= count) return;
    throw new InferenceServerError(
      'INVALID_ARG',
      `Resource count for "${name}" is limited to ${limit} which will prevent scheduling of instance ` +
        `'${instanceName}', the minimum required count is ${count}: raise it with --rate-limit-resource`,
    );
  }

  /** The largest one that was given for it; for a global resource devices do not matter. */
  #givenCapacity(name: string, device: number | undefined): number | undefined {
    const counts = this.#given
      .filter((given) => given.name === name)
      .filter((given) => device === undefined || given.device === undefined || given.device === device)
      .map(({ count }) => count);
    return counts.length === 0 ? undefined : Math.max(...counts);
  }

  /** Takes a slot back to idle, whatever it was. */
  #leave(slot: Slot): void {
    slot.holds = false;
    this.#waiting = this.#waiting.filter((waiting) => waiting.slot !== slot);
    this.#grant();
  }

  /** Grants what can be granted, turn by turn; a grant may change who waits. */
  #grant(): void {
    // One that executes and releases within its grant comes back here: it is left to the loop, not to the stack.
    if (this.#isGranting) return;
    this.#isGranting = true;
    try {
      for (let next = this.#takeNext(); next !== undefined; next = this.#takeNext()) next.onGrant();
    } finally {
      this.#isGranting = false;
    }
  }

  #takeNext(): Waiting | undefined {
    // The sort is stable: of equal turns the first that came is first.
    const inTurn = this.#waiting.toSorted((a, b) => a.slot.turn - b.slot.turn);
    const kept: ResourceNeed[] = [];
    for (const waiting of inTurn) {
      const { slot } = waiting;
      if (slot.needs.every((need) => this.#isFree(need, kept))) {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        slot.holds = true;
        this.#now = Math.max(this.#now, slot.turn);
        slot.turn += weightOf(slot);
        return waiting;
      }
      kept.push(...slot.needs);
    }
    return undefined;
  }

  #isFree({ name, device, count }: ResourceNeed, kept: readonly ResourceNeed[]): boolean {
    const reserved = sum(kept.filter((k) => k.name === name && k.device === device).map((k) => k.count));
    const resource = { name, device };
    return this.held(resource) + reserved + count <= this.capacity(resource);
  }
}

function weightOf({ priority }: Slot): number {
  return Math.max(1, priority);
}

function needsOf({ needs }: Slot, name: string, device: number | undefined): readonly number[] {
  return needs.filter((need) => need.name === name && need.device === device).map(({ count }) => count);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
