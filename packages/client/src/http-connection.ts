import { promisify } from 'node:util';
import { deflate, gunzip, gzip, inflate } from 'node:zlib';
import { InferenceServerError } from '@nereid/protocol';
import { statusCodeOfHttp } from '@nereid/protocol/http';
import { Pool, type Dispatcher } from 'undici';

/** The encodings of bodies that Triton knows. */
export type HttpCompression = 'gzip' | 'deflate';

const COMPRESS = { gzip: promisify(gzip), deflate: promisify(deflate) };
const DECOMPRESS = { gzip: promisify(gunzip), deflate: promisify(inflate) };

/** One request; the path begins behind the URL of the server. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How to compress the body. */
  readonly requestCompression?: HttpCompression | undefined;
  /** How the server may compress its answer. */
  readonly responseCompression?: HttpCompression | undefined;
}

/** An answer with its body complete and decompressed. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** An answer whose body is still coming. */
export interface HttpStream {
  readonly status: number;
  readonly headers: HttpResponse['headers'];
  /** The body. Not to read it to its end closes the connection. */
  readonly pieces: AsyncIterable<Uint8Array>;
  readonly origin: string;
  readonly signal: AbortSignal | undefined;
}

/** A pool of connections to one server, which turns every failure into an InferenceServerError. */
export class HttpConnection {
  readonly #pool: Pool;
  readonly #origin: string;
  readonly #basePath: string;

  /** @param connections undefined: as many as there are requests at once. */
  constructor(url: string, connections: number | undefined) {
    const { origin, pathname } = parseUrl(url);
    this.#origin = origin;
    this.#basePath = pathname.replace(/\/$/, '');
    // How long an inference may take is for the caller's signal to say.
    this.#pool = new Pool(origin, { connections: connections ?? null, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** Sends a request and gives any answer, good or bad. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    try {
      return await this.#exchange(request);
    } catch (reason) {
      throw cancelledOr(reason, { signal: request.signal, origin: this.#origin });
    }
  }

  /** Sends a request and gives any answer as soon as its headers are there. */
  async open(request: HttpRequest): Promise<HttpStream> {
    const { signal } = request;
    try {
      const { statusCode, headers, body } = await this.#request(request);
      return { status: statusCode, headers, pieces: body, origin: this.#origin, signal };
    } catch (reason) {
      throw cancelledOr(reason, { signal, origin: this.#origin });
    }
  }

  /** Sends a request; an answer that is an error is thrown, with the text of the server. */
  async sendExpectingOk(request: HttpRequest): Promise<HttpResponse> {
    const response = await this.send(request);
    if (response.status < 400) return response;
    throw new InferenceServerError(
      statusCodeOfHttp(response.status),
      errorText(response.status, response.body),
    );
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #request(request: HttpRequest): Promise<Dispatcher.ResponseData> {
    const { method, path, signal, requestCompression, responseCompression, body = null } = request;
    const headers = { ...request.headers };
    if (requestCompression !== undefined) headers['Content-Encoding'] = requestCompression;
    if (responseCompression !== undefined) headers['Accept-Encoding'] = responseCompression;
    return this.#pool.request({
      method,
      path: this.#basePath + path,
      headers,
      body: body !== null && requestCompression ? await COMPRESS[requestCompression](body) : body,
      signal: signal ?? null,
    });
  }

  async #exchange(request: HttpRequest): Promise<HttpResponse> {
    const response = await this.#request(request);
    const received = Buffer.from(await response.body.arrayBuffer());
    const encoding = response.headers['content-encoding'];
    const isCompressed = encoding === 'gzip' || encoding === 'deflate';
    return {
      status: response.statusCode,
      headers: response.headers,
      body: isCompressed ? await DECOMPRESS[encoding](received) : received,
    };
  }
}

function parseUrl(url: string): URL {
  const complete = url.includes('://') ? url : `http://${url}`;
  if (URL.canParse(complete)) return new URL(complete);
  throw new InferenceServerError('INVALID_ARG', `'${url}' is not the URL of a server`);
}

/** What went wrong on the way, as an error of ours: CANCELLED when the caller wanted it. */
export function cancelledOr(
  reason: unknown,
  { signal, origin }: { readonly signal: AbortSignal | undefined; readonly origin: string },
): InferenceServerError {
  if (InferenceServerError.is(reason)) return reason;
  if (signal?.aborted) {
    return new InferenceServerError('CANCELLED', 'the request was cancelled', { cause: reason });
  }
  const message = reason instanceof Error ? reason.message : String(reason);
  return new InferenceServerError('UNAVAILABLE', `no answer from ${origin}: ${message}`, { cause: reason });
}

/** The text of an answer that is an error. */
export function errorText(status: number, bytes: Buffer): string {
  const text = bytes.toString('utf8');
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && 'error' in body) return String(body.error);
  } catch {
    // Proxies answer with text of their own.
  }
  return text === '' ? `HTTP status ${status}` : text;
}
