/** Reading the head of a plain request. Hot path. */
import type { IncomingHttpHeaders } from 'node:http';

/** The longest head that is read here, in bytes: that which Node takes at most. */
const MAX_HEAD_BYTE_SIZE = 16_384;

/** The largest body of a plain request, in bytes: Triton counts in 32 bits. */
const MAX_BODY_BYTE_SIZE = 2 ** 31 - 1;

/** The head of a plain request. */
export interface RequestHead {
  readonly method: 'GET' | 'POST';
  /** Path and query, as they came. */
  readonly url: string;
  /** By their names in lower case; none came twice. */
  readonly headers: IncomingHttpHeaders;
  /** Names as the client wrote them and values, in turn. */
  readonly rawHeaders: readonly string[];
  /** Bytes of the body. */
  readonly contentLength: number;
  /** Whether the client wants to send another request. */
  readonly keepsAlive: boolean;
  /** Bytes of the head itself, with the empty line. */
  readonly byteLength: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const REQUEST_LINE = /^(GET|POST) (\/[\x21-\x7e]*) HTTP\/1\.1$/;
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** What values may hold besides: spaces at either end, which are no part of them. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const DIGITS = /^\d{1,10}$/;

/** A request with one of these asks for more than its answer. */
const UNUSUAL_HEADERS = new Set([
  'transfer-encoding',
  'upgrade',
  'expect',
  'trailer',
  'te',
  'http2-settings',
  // To Node it is another `Connection`.
  'proxy-connection',
]);

/** Lower-case names by what clients write, of those seen: few, and the same in all requests. */
const lowerNames = new Map<string, string>();
const MAX_LOWER_NAMES = 256;

/**
 * Reads the head at the start of a chunk. It takes a strict part of HTTP/1.1, and leaves to others what is beyond: other methods,
 * transfer encodings, upgrades, names or values that are not quite right, headers that come twice, a head that has not
 * come whole.
 *
 * @returns undefined when this is no plain request: nobody has looked at it then.
 */
export function readRequestHead(chunk: Buffer): RequestHead | undefined {
  const end = chunk.indexOf(HEAD_END);
  if (end < 0 || end > MAX_HEAD_BYTE_SIZE) return undefined;
  const [requestLine = '', ...lines] = chunk.toString('latin1', 0, end).split('\r\n');
  const [, method, url] = REQUEST_LINE.exec(requestLine) ?? [];
  if (method === undefined || url === undefined) return undefined;
  const rawHeaders: string[] = [];
  const headers: Record<string, string> = {};
  for (const line of lines) if (!addHeader(line, headers, rawHeaders)) return undefined;
  const meaning = readMeaning(headers);
  return (
    meaning && {
      method: method === 'GET' ? 'GET' : 'POST',
      url,
      headers,
      rawHeaders,
      ...meaning,
      byteLength: end + HEAD_END.length,
    }
  );
}

/** What the headers say of the request itself; undefined when it is more than a length. */
function readMeaning(
  headers: IncomingHttpHeaders,
): Pick<RequestHead, 'contentLength' | 'keepsAlive'> | undefined {
  const { host, connection = 'keep-alive', 'content-length': length = '0' } = headers;
  if (host === undefined || !DIGITS.test(length) || Number(length) > MAX_BODY_BYTE_SIZE) return undefined;
  const wish = connection.toLowerCase();
  if (wish !== 'keep-alive' && wish !== 'close') return undefined;
  return { contentLength: Number(length), keepsAlive: wish === 'keep-alive' };
}

/** @returns false when the line is no header that is taken here. */
function addHeader(line: string, headers: Record<string, string>, rawHeaders: string[]): boolean {
  const colon = line.indexOf(':');
  if (colon < 1) return false;
  const rawName = line.slice(0, colon);
  const name = lowerNames.get(rawName) ?? toLowerName(rawName);
  if (name === undefined || headers[name] !== undefined) return false;
  const value = line.slice(colon + 1);
  if (!HEADER_VALUE.test(value)) return false;
  const trimmed = trimSpaces(value);
  headers[name] = trimmed;
  rawHeaders.push(rawName, trimmed);
  return true;
}

/** undefined: no name, or one of a header that is not taken here. */
function toLowerName(rawName: string): string | undefined {
  if (!HEADER_NAME.test(rawName)) return undefined;
  const name = rawName.toLowerCase();
  if (UNUSUAL_HEADERS.has(name) || name in Object.prototype) return undefined;
  if (lowerNames.size < MAX_LOWER_NAMES) lowerNames.set(rawName, name);
  return name;
}

function trimSpaces(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value.charCodeAt(start))) start += 1;
  while (end > start && isSpace(value.charCodeAt(end - 1))) end -= 1;
  return value.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
