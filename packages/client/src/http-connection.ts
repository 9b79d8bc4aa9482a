import { promisify } from 'node:util';
import { deflate, gunzip, gzip, inflate } from 'node:zlib';
import { InferenceServerError } from '@nereid/protocol';
import { statusCodeOfHttp } from '@nereid/protocol/http';
import { Pool } from 'undici';

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
      if (request.signal?.aborted) {
        throw new InferenceServerError('CANCELLED', 'the request was cancelled', { cause: reason });
      }
      const message = reason instanceof Error ? reason.message : String(reason);
      throw new InferenceServerError('UNAVAILABLE', `no answer from ${this.#origin}: ${message}`, {
        cause: reason,
      });
    }
  }

  /** Sends a request; an answer that is an error is thrown, with the text of the server. */
  async sendExpectingOk(request: HttpRequest): Promise<HttpResponse> {
    const response = await this.send(request);
    if (response.status < 400) return response;
    throw new InferenceServerError(statusCodeOfHttp(response.status), errorText(response));
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #exchange(request: HttpRequest): Promise<HttpResponse> {
    const { method, path, signal, requestCompression, responseCompression, body = null } = request;
    const headers = { ...request.headers };
    if (requestCompression !== undefined) headers['Content-Encoding'] = requestCompression;
    if (responseCompression !== undefined) headers['Accept-Encoding'] = responseCompression;
    const response = await this.#pool.request({
      method,
      path: this.#basePath + path,
      headers,
      body: body !== null && requestCompression ? await COMPRESS[requestCompression](body) : body,
      signal: signal ?? null,
    });
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

function errorText(response: HttpResponse): string {
  const text = response.body.toString('utf8');
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && 'error' in body) return String(body.error);
  } catch {
    // Proxies answer with text of their own.
  }
  return text === '' ? `HTTP status ${response.status}` : text;
}
