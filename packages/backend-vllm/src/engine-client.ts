import type { Engine } from './engine.ts';
import type { AnswerHandler, HttpCall } from './http/http-connection.ts';

/** What it takes to reach an engine. */
export type EngineAddress = Pick<Engine, 'url' | 'headers' | 'connections'>;

/** What is asked of an engine. */
export interface EngineCallRequest {
  readonly method: 'GET' | 'POST';
  /** Below the engine's URL: `/v1/completions`. */
  readonly path: string;
  /** JSON, in pieces. */
  readonly body?: readonly Uint8Array[];
}

/** Sends a request to an engine. Nothing is heard of its answer before this returns. */
export function callEngine(
  { url, headers, connections }: EngineAddress,
  { method, path, body }: EngineCallRequest,
  answer: AnswerHandler,
): HttpCall {
  const base = url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname;
  return connections.send({ method, path: base + path, headers, body }, answer);
}
