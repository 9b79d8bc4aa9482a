import { LRUCache } from 'lru-cache';
import type { Tensor } from '@nereid/protocol';
import type { CachedResponse, ResponseCache } from './response-cache.ts';

/** What an entry, and each of its tensors, takes besides its bytes and names. An estimate, rather high. */
const OVERHEAD_BYTES = 256;

/**
 * The responses that were used last, in this process's memory: `--cache-config=local,size=<bytes>`. All models share
 * it. A response larger than the cache is not stored.
 */
export class LocalCache implements ResponseCache {
  readonly #entries: LRUCache<string, CachedResponse>;

  /** @param byteSize - What all entries together may take; at least 1. */
  constructor(byteSize: number) {
    this.#entries = new LRUCache({
      maxSize: byteSize,
      sizeCalculation: (response, key) => byteSizeOf(key, response),
    });
  }

  /** Number of entries. */
  get size(): number {
    return this.#entries.size;
  }

  /** Bytes that the entries take. */
  get byteSize(): number {
    return this.#entries.calculatedSize;
  }

  lookup(key: string): CachedResponse | undefined {
    const entry = this.#entries.get(key);
    return entry && copyOf(entry);
  }

  insert(key: string, response: CachedResponse): void {
    // What does not fit is not worth a copy.
    if (byteSizeOf(key, response) > this.#entries.maxSize) this.#entries.delete(key);
    else this.#entries.set(key, copyOf(response));
  }

  close(): Promise<void> {
    this.#entries.clear();
    return Promise.resolve();
  }
}

/** The same response in memory of its own: one buffer for all of its tensors. */
function copyOf({ outputs, parameters, isComplete }: CachedResponse): CachedResponse {
  const copy = new Uint8Array(byteLengthOf(outputs));
  let offset = 0;
  const tensors = outputs.map(({ name, datatype, shape, data }) => {
    copy.set(data, offset);
    const own = copy.subarray(offset, offset + data.byteLength);
    offset += data.byteLength;
    return { name, datatype, shape: [...shape], data: own };
  });
  return { outputs: tensors, parameters, isComplete };
}

function byteLengthOf(outputs: readonly Tensor[]): number {
  return outputs.reduce((sum, { data }) => sum + data.byteLength, 0);
}

function byteSizeOf(key: string, { outputs, parameters }: CachedResponse): number {
  const names = outputs.reduce((sum, { name }) => sum + name.length, key.length);
  const texts = Object.entries(parameters ?? {}).reduce(
    (sum, [name, value]) => sum + name.length + String(value).length,
    names,
  );
  return texts + byteLengthOf(outputs) + OVERHEAD_BYTES * (1 + outputs.length);
}
