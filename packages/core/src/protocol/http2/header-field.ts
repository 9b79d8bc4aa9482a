/** What a field costs in HPACK's tables and in lists of limited size, beside its bytes. */
const FIELD_OVERHEAD = 32;

const PSEUDO_HEADERS: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path']);

/** Fields that concern one connection of HTTP/1. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// Control characters could end a line somewhere later.
const BAD_VALUE = /[\0\r\n]/;

/** A header field of a request. Most come again and again out of a table: they are checked once. */
export class HeaderField {
  readonly name: string;
  readonly value: string;
  readonly byteSize: number;
  /** One of HTTP/2's own, such as `:path`. */
  readonly isPseudo: boolean;
  /** Whether a request may have it. */
  readonly isValid: boolean;

  constructor(name: string, value: string) {
    this.name = name;
    this.value = value;
    this.byteSize = name.length + value.length + FIELD_OVERHEAD;
    this.isPseudo = name.startsWith(':');
    this.isValid =
      (this.isPseudo ? PSEUDO_HEADERS.has(name) : NAME.test(name) && !CONNECTION_HEADERS.has(name)) &&
      !BAD_VALUE.test(value);
  }
}
