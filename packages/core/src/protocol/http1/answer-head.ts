/** The first bytes of an answer. Hot path. */
import type { OutgoingHttpHeaders } from 'node:http';

const FORBIDDEN = /[^\t\x20-\x7e\x80-\xff]/;

let date = '';
let dateEndsAt = 0;

/**
 * Status line and headers, with `Date` and `Connection`, up to the empty line.
 *
 * @throws TypeError for a header that would break the head.
 */
export function formatAnswerHead(status: number, headers: OutgoingHttpHeaders, keepsAlive: boolean): string {
  let head = status === 200 ? 'HTTP/1.1 200 OK\r\n' : `HTTP/1.1 ${String(status)} ${reasonOf(status)}\r\n`;
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    if (Array.isArray(value)) for (const one of value) head += headerLine(name, one);
    else head += headerLine(name, value);
  }
  return `${head}Date: ${currentDate()}\r\nConnection: ${keepsAlive ? 'keep-alive' : 'close'}\r\n\r\n`;
}

function headerLine(name: string, value: string | number): string {
  if (typeof value === 'string' && FORBIDDEN.test(value)) {
    throw new TypeError(`the header '${name}' of an answer holds a character that headers can't have`);
  }
  return `${name}: ${String(value)}\r\n`;
}

/** Made once a second. */
function currentDate(): string {
  const now = Date.now();
  if (now >= dateEndsAt) {
    date = new Date(now).toUTCString();
    dateEndsAt = now - (now % 1000) + 1000;
  }
  return date;
}

function reasonOf(status: number): string {
  return process.getBuiltinModule('node:http').STATUS_CODES[status] ?? 'Unknown';
}
