/** The headers of a request, checked by the rules of HTTP/2. */
import type { HeaderField } from './header-field.ts';

/** By name, in lower case; fields of one name are joined by `, `. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>;

/** What is taken in one request: as many fields as Node takes, and as many bytes as a block may have. */
const MAX_FIELDS = 128;
const MAX_BYTE_SIZE = 64 * 1024;

/** Collects the fields of one request. */
export class HeaderCollector {
  readonly headers: Record<string, string | undefined> = Object.create(null) as Record<string, undefined>;
  /** A rule was broken. */
  isMalformed = false;
  /** More than is taken. */
  isTooLarge = false;
  #fields = 0;
  #byteSize = 0;
  #hasRegular = false;

  readonly take = (field: HeaderField): void => {
    this.#fields += 1;
    this.#byteSize += field.byteSize;
    if (this.#fields > MAX_FIELDS || this.#byteSize > MAX_BYTE_SIZE) this.isTooLarge = true;
    if (this.isTooLarge || this.isMalformed) return;
    const { name, value, isPseudo } = field;
    const earlier = this.headers[name];
    if (!isPseudo) this.#hasRegular = true;
    this.isMalformed = !field.isValid || (isPseudo && (this.#hasRegular || earlier !== undefined));
    this.headers[name] = earlier === undefined ? value : `${earlier}, ${value}`;
  };

  /** Whether it is a request: what follows one has no method and path. */
  get isRequest(): boolean {
    return this.headers[':method'] !== undefined && this.headers[':path'] !== undefined;
  }
}
