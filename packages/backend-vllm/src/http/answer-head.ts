/** The head of an answer: its status, its headers, and how its body ends (RFC 9112, sections 4 to 6). */
import { BadAnswerError, quote } from './bad-answer-error.ts';

/** Headers of an answer, names in lower case; values of a name that comes several times are joined with `, `. */
export type AnswerHeaders = ReadonlyMap<string, string>;

/** Where a body ends. */
export type BodyEnd =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'connection' };

export interface AnswerHead {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly bodyEnd: BodyEnd;
  /** Whether the connection may carry another request after this answer. */
  readonly keepsAlive: boolean;
  /** How long the engine keeps it, as far as it says so (`keep-alive: timeout=5`). */
  readonly keepAliveSeconds: number | undefined;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
const HEADER = /^([!#$%&'*+.^_`|~\dA-Za-z-]+):[ \t]*(.*?)[ \t]*$/;
const LENGTH = /^\d{1,15}$/;
const KEEP_ALIVE_TIMEOUT = /(?:^|[\s,])timeout=(\d{1,9})(?=$|[\s,])/i;
/** Answers that have no body, whatever their headers say. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 304]);

/**
 * Reads a head.
 *
 * @param text - From the status line to the last header, without the line ends behind it.
 * @throws BadAnswerError naming the line.
 */
export function parseAnswerHead(text: string): AnswerHead {
  const [first = '', ...lines] = text.split('\r\n');
  const match = STATUS_LINE.exec(first);
  if (match === null) throw new BadAnswerError(`expected a status line of HTTP/1.1, found ${quote(first)}`);
  const [, minor, digits] = match;
  const status = Number(digits);
  const headers = parseHeaders(lines);
  const bodyEnd = bodyEndOf(status, headers);
  const keptFor = KEEP_ALIVE_TIMEOUT.exec(headers.get('keep-alive') ?? '')?.[1];
  return {
    status,
    headers,
    bodyEnd,
    keepsAlive: bodyEnd.kind !== 'connection' && isKept(minor === '1', headers),
    keepAliveSeconds: keptFor === undefined ? undefined : Number(keptFor),
  };
}

function parseHeaders(lines: readonly string[]): AnswerHeaders {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const match = HEADER.exec(line);
    if (match === null) throw new BadAnswerError(`expected a header 'name: value', found ${quote(line)}`);
    const name = (match[1] ?? '').toLowerCase();
    const value = match[2] ?? '';
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

function bodyEndOf(status: number, headers: AnswerHeaders): BodyEnd {
  if (status < 200 || WITHOUT_BODY.has(status)) return { kind: 'length', bytes: 0 };
  const coding = headers.get('transfer-encoding');
  if (coding !== undefined) {
    if (coding.toLowerCase() === 'chunked') return { kind: 'chunked' };
    throw new BadAnswerError(`expected the transfer-encoding 'chunked', found ${quote(coding)}`);
  }
  const length = headers.get('content-length');
  return length === undefined ? { kind: 'connection' } : { kind: 'length', bytes: parseLength(length) };
}

/** One length; several are one when they are equal. */
function parseLength(value: string): number {
  const [first = '', ...others] = value.split(',').map((one) => one.trim());
  if (!LENGTH.test(first) || others.some((other) => other !== first)) {
    throw new BadAnswerError(`expected a number of bytes as content-length, found ${quote(value)}`);
  }
  return Number(first);
}

/** With both a coding and a length the ends are in doubt: what follows on such a connection can't be trusted. */
function isKept(isHttp11: boolean, headers: AnswerHeaders): boolean {
  if (headers.has('transfer-encoding') && headers.has('content-length')) return false;
  const options = (headers.get('connection') ?? '').toLowerCase().split(',');
  const has = (wanted: string): boolean => options.some((option) => option.trim() === wanted);
  return isHttp11 ? !has('close') : has('keep-alive');
}
