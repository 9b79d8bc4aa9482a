/** A request whose head was read here: Node's `IncomingMessage` for those that have nothing unusual. */
import type { IncomingHttpHeaders } from 'node:http';
import type { BodyListener, IncomingBody } from './incoming-body.ts';
import type { RequestHead } from './request-head.ts';

export class PlainRequest {
  readonly #head: RequestHead;
  readonly #body: IncomingBody;
  readonly #onWanted: () => void;

  /** @param onWanted - Called when somebody waits for the body. */
  constructor(head: RequestHead, body: IncomingBody, onWanted: () => void) {
    this.#head = head;
    this.#body = body;
    this.#onWanted = onWanted;
  }

  get method(): string {
    return this.#head.method;
  }

  /** Path and query, as they came. */
  get url(): string {
    return this.#head.url;
  }

  get headers(): IncomingHttpHeaders {
    return this.#head.headers;
  }

  /** Names as the client wrote them and values, in turn. */
  get rawHeaders(): readonly string[] {
    return this.#head.rawHeaders;
  }

  /** Asks for the body, which waits with the client until then. To be called at most once. */
  collectBody(listener: BodyListener): void {
    this.#body.collect(listener);
    this.#onWanted();
  }
}
