/** What is sent before the body. */

/** Who is asked, and as whom. */
export interface RequestTarget {
  /** Host and port, as the header `host` has them. */
  readonly host: string;
  /** Names and values. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What is asked. */
export interface RequestLine {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Of JSON; undefined: no body. */
  readonly bodyBytes: number | undefined;
}

const NAME = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/;
/** Visible characters, spaces and tabs: a line end in a value would begin another header. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * The head of a request, in latin1.
 *
 * @throws TypeError when a header can't be one; its value is not told, it may be a key.
 */
export function formatRequestHead(target: RequestTarget, { method, path, bodyBytes }: RequestLine): string {
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${target.host}\r\n`;
  for (const [name, value] of Object.entries(target.headers)) {
    if (!NAME.test(name) || !VALUE.test(value)) {
      throw new TypeError(`header '${name}' for an engine: expected visible characters alone, found others`);
    }
    head += `${name}: ${value}\r\n`;
  }
  if (bodyBytes !== undefined) head += `content-type: application/json\r\ncontent-length: ${bodyBytes}\r\n`;
  return `${head}\r\n`;
}
