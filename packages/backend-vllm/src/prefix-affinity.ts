/** Beginnings that are remembered; the ones not seen for longest go first. */
const REMEMBERED = 65_536;
/** A long text has a beginning of its own every so many characters. */
const STEP = 1024;
/** What lies behind this is not looked at. */
const LONGEST = 32 * 1024;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * Hashes (FNV-1a) of ever longer beginnings of a prompt, shortest first: after each part, and within long parts every 1,024
 * characters. Prompts that begin alike have their first hashes in common.
 *
 * @param parts - The messages of a chat, or the one text of a completion.
 */
export function hashPrefixes(parts: Iterable<string>): readonly number[] {
  const hashes: number[] = [];
  let hash = FNV_OFFSET;
  let seen = 0;
  for (const part of parts) {
    const end = Math.min(part.length, LONGEST - seen);
    for (let at = 0; at < end; at++) {
      hash = Math.imul(hash ^ part.charCodeAt(at), FNV_PRIME);
      if ((at + 1) % STEP === 0 && at + 1 < end) hashes.push(hash >>> 0);
    }
    // So that `ab`, `c` is another prompt than `a`, `bc`.
    hash = Math.imul(hash ^ 0x1ffff, FNV_PRIME);
    hashes.push(hash >>> 0);
    seen += end;
    if (seen >= LONGEST) break;
  }
  return hashes;
}

/** Which engine has seen the beginning of a prompt: its cache has what was computed for it. */
export class PrefixAffinity<E> {
  readonly #engines = new Map<number, E>();
  readonly #limit: number;

  constructor(limit = REMEMBERED) {
    this.#limit = limit;
  }

  /** The engine that had the longest beginning in common. */
  find(prefixes: readonly number[]): E | undefined {
    for (let at = prefixes.length - 1; at >= 0; at--) {
      const engine = this.#engines.get(prefixes[at] ?? 0);
      if (engine !== undefined) return engine;
    }
    return undefined;
  }

  /** The engine gets this prompt now. */
  record(prefixes: readonly number[], engine: E): void {
    for (const prefix of prefixes) {
      // Put in again, it is the newest.
      this.#engines.delete(prefix);
      this.#engines.set(prefix, engine);
    }
    for (const oldest of this.#engines.keys()) {
      if (this.#engines.size <= this.#limit) return;
      this.#engines.delete(oldest);
    }
  }

  /** The engine's cache is lost. */
  forget(engine: E): void {
    for (const [prefix, owner] of this.#engines) {
      if (owner === engine) this.#engines.delete(prefix);
    }
  }
}
