/** What the headers of a call say. */
import type { RequestHeaders } from '../../http2/request-headers.ts';
import type { CallMetadata } from '../call.ts';

/** Headers that belong to HTTP/2 or gRPC, not to the application. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'content-type',
  'te',
  'grpc-timeout',
  'grpc-encoding',
  'grpc-accept-encoding',
]);

const NANOSECONDS: ReadonlyMap<string, number> = new Map([
  ['n', 1],
  ['u', 1e3],
  ['m', 1e6],
  ['S', 1e9],
  ['M', 60e9],
  ['H', 3600e9],
]);

/** Metadata read from the headers of a call, and only when it is asked for. */
export class HeaderMetadata implements CallMetadata {
  readonly #headers: RequestHeaders;

  constructor(headers: RequestHeaders) {
    this.#headers = headers;
  }

  get(key: string): readonly string[] {
    const value = this.#headers[key];
    return value === undefined || !isText(key) ? [] : [value];
  }

  *entries(): Generator<readonly [string, string]> {
    for (const key of Object.keys(this.#headers)) {
      const [value] = this.get(key);
      if (value !== undefined) yield [key, value];
    }
  }
}

function isText(key: string): boolean {
  return !key.startsWith(':') && !key.endsWith('-bin') && !OWN_HEADERS.has(key);
}

/**
 * Milliseconds that a call may take, rounded up: `100m` → 100, `5S` → 5000.
 *
 * @param text - `grpc-timeout`: up to eight digits and a unit.
 * @returns undefined when it is no such text.
 */
export function parseTimeout(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  const nanoseconds = NANOSECONDS.get(unit);
  if (digits === undefined || nanoseconds === undefined) return undefined;
  return Math.ceil((Number(digits) * nanoseconds) / 1e6);
}
