import type { ForeignFamily } from '@nereid/backend-sdk';
import type { Exposition } from './exposition.ts';

/** How long a page waits for another program's metrics. */
const LONGEST_MS = 1000;

/** Asks a program for its metrics. */
type Collect = () => Promise<readonly ForeignFamily[]>;

/** A program whose metrics are passed on. */
interface Source {
  readonly collect: Collect;
  /** What it said last. */
  families: readonly ForeignFamily[];
  /** The question that it has not answered yet: it is not asked another one meanwhile. */
  asking: Promise<void> | undefined;
}

/** What passing metrics on works with; the time is shorter in tests. */
export interface ForeignMetricsParts {
  /** Hears, once for each name, of a family that is left out. */
  readonly warn: (message: string) => void;
  readonly longestMs?: number;
}

/** Metrics of other programs, engines of language models say, shown beside the server's under their own names. */
export class ForeignMetrics {
  readonly #sources = new Set<Source>();
  readonly #warn: ForeignMetricsParts['warn'];
  readonly #longestMs: number;
  readonly #warned = new Set<string>();

  constructor({ warn, longestMs = LONGEST_MS }: ForeignMetricsParts) {
    this.#warn = warn;
    this.#longestMs = longestMs;
  }

  /** @returns Ends it. */
  add(collect: Collect): () => void {
    const source: Source = { collect, families: [], asking: undefined };
    this.#sources.add(source);
    return () => void this.#sources.delete(source);
  }

  /** Asks all programs; resolves when they have answered or have had their time. */
  async refresh(): Promise<void> {
    if (this.#sources.size === 0) return;
    const enough = Promise.withResolvers<void>();
    const timer = setTimeout(enough.resolve, this.#longestMs);
    const asked = Promise.all([...this.#sources].map((source) => this.#ask(source)));
    await Promise.race([asked, enough.promise]);
    clearTimeout(timer);
  }

  /** @param ownerOf - Whose a name is already, in words; undefined when it is free. */
  render(exposition: Exposition, ownerOf: (name: string) => string | undefined): void {
    for (const [name, [first, ...others]] of this.#byName()) {
      const owner = ownerOf(name);
      if (owner !== undefined) {
        this.#leaveOut(name, `it is ${owner}`);
        continue;
      }
      exposition.family(first);
      exposition.lines(first.samples);
      for (const other of others) {
        if (other.type === first.type) exposition.lines(other.samples);
        else this.#leaveOut(name, `one program has it as ${first.type}, another as ${other.type}`);
      }
    }
  }

  #ask(source: Source): Promise<void> {
    source.asking ??= source
      .collect()
      .then(
        (families) => {
          source.families = families;
        },
        () => {
          // A program that does not answer has no figures; its backend says why it does not.
          source.families = [];
        },
      )
      .finally(() => {
        source.asking = undefined;
      });
    return source.asking;
  }

  /** A family may stand only once on a page, with all its samples. */
  #byName(): ReadonlyMap<string, readonly [ForeignFamily, ...ForeignFamily[]]> {
    const families = new Map<string, [ForeignFamily, ...ForeignFamily[]]>();
    for (const family of [...this.#sources].flatMap((source) => source.families)) {
      const same = families.get(family.name);
      if (same === undefined) families.set(family.name, [family]);
      else same.push(family);
    }
    return families;
  }

  #leaveOut(name: string, why: string): void {
    if (this.#warned.has(name)) return;
    this.#warned.add(name);
    this.#warn(`metrics '${name}' of another program are left out: ${why}`);
  }
}
