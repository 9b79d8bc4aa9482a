/** The paths of the endpoint: Fastify's router knows the same ones, and those that need more than a look. */
import type { IncomingMessage } from 'node:http';
import type { HttpAnswer } from '@nereid/backend-sdk/http';
import type { InferenceServerError } from '@nereid/protocol';
import type { PlainRequest } from '../http1/plain-request.ts';
import type { HttpApi } from './restriction.ts';

/** Answers a request that comes to no handler. */
export type Refuse = (answer: HttpAnswer, error: InferenceServerError, status: number) => void;

/** What stands in the path, percent-decoded. */
export interface PathParams {
  readonly model?: string;
  /** Digits. */
  readonly version?: string;
  readonly region?: string;
}

/** A request's head, and the way to its body: Node's, or that of a plain request. */
export type RawRequest = IncomingMessage | PlainRequest;

/** A request whose body has not been read. */
export interface HttpRequest {
  readonly params: PathParams;
  readonly raw: RawRequest;
}

/** Answers a request, now or later. What it throws becomes the answer. */
export type RouteHandler = (request: HttpRequest, answer: HttpAnswer) => void;

/** A path, with a handler for each method that it takes. */
export interface Route {
  /** As Fastify's router writes it. */
  readonly path: string;
  readonly api: HttpApi;
  readonly get?: RouteHandler;
  readonly post?: RouteHandler;
  /** Answers what comes to no handler, a missing key (status 401) or another method (405). Default: as V2 does. */
  readonly refuse?: Refuse;
}

/** URLs that were looked up are kept, so many of them: clients ask for the same few. */
const MAX_KNOWN_URLS = 1024;

/** Stands at the end of a path for any rest of it. */
const ANY_REST = '/*';

/** A route that takes a path, and what stands in it. */
export interface RouteMatch {
  readonly route: Route;
  readonly params: PathParams;
}

interface Entry {
  readonly route: Route;
  readonly pattern: RegExp;
}

export class RouteTable {
  readonly #entries: Entry[] = [];
  readonly #known = new Map<string, RouteMatch | undefined>();

  get routes(): readonly Route[] {
    return this.#entries.map(({ route }) => route);
  }

  add(route: Route): void {
    this.#entries.push({ route, pattern: toPattern(route.path) });
    // As in Fastify's router, what is written out goes before names, and any rest comes last.
    this.#entries.sort((a, b) => opennessOf(a.route.path) - opennessOf(b.route.path));
    this.#known.clear();
  }

  /**
   * @param url - Path and query, as they came.
   * @returns undefined when no route takes the path, or when it is for Fastify's router: it has escapes, or any rest.
   */
  find(url: string): RouteMatch | undefined {
    if (this.#known.has(url)) return this.#known.get(url);
    const match = url.includes('%') ? undefined : this.#match(url);
    if (this.#known.size >= MAX_KNOWN_URLS) this.#known.clear();
    this.#known.set(url, match);
    return match;
  }

  /** The route whose path this is, whatever the method. */
  routeOf(url: string): Route | undefined {
    return this.#entryOf(url)?.route;
  }

  #match(url: string): RouteMatch | undefined {
    const entry = this.#entryOf(url);
    if (entry === undefined || entry.route.path.endsWith(ANY_REST)) return undefined;
    return { route: entry.route, params: { ...entry.pattern.exec(pathOf(url))?.groups } };
  }

  #entryOf(url: string): Entry | undefined {
    const path = pathOf(url);
    return this.#entries.find(({ pattern }) => pattern.test(path));
  }
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

/** Of `/models/:model(^.+$)/infer`, say: the names and patterns are those of Fastify's router. */
function toPattern(path: string): RegExp {
  const source = path.replaceAll(/:(\w+)(?:\(\^(.*?)\$\))?/g, (_, name: string, pattern = '.+') => {
    return `(?<${name}>${String(pattern).replaceAll('.', '[^/]')})`;
  });
  return new RegExp(`^${source.endsWith(ANY_REST) ? `${source.slice(0, -1)}.*` : source}$`);
}

function opennessOf(path: string): number {
  return path.endsWith(ANY_REST) ? Infinity : path.split(':').length;
}
