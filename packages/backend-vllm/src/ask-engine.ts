import { InferenceServerError } from '@nereid/backend-sdk';
import { callEngine, type EngineAddress, type EngineCallRequest } from './engine-client.ts';
import type { ProbeResult } from './engine-health.ts';

/** For what an engine answers at once when it is well. */
const LIMIT_MS = 1000;
/** Pages of metrics have hundreds of kilobytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** No answer came in time. */
class NoAnswerError extends Error {}

/** An answer, whole. */
export interface EnginePage {
  readonly status: number;
  readonly text: string;
}

/**
 * Asks an engine for something that is no inference: its health, metrics, models, the texts of tokens.
 *
 * @param limitMs - How long it may take, all of the answer included. Default: 1000.
 * @throws what the connection fails with; when the time is over; or for an answer without end.
 */
export function askEngine(
  engine: EngineAddress,
  request: EngineCallRequest,
  limitMs = LIMIT_MS,
): Promise<EnginePage> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let status = 0;
    let bytes = 0;
    const asked = `${request.method} ${request.path}`;
    const giveUp = (error: Error): void => {
      call.abort();
      end(error);
    };
    const timer = setTimeout(
      () => giveUp(new NoAnswerError(`${asked}: no answer within ${limitMs} ms`)),
      limitMs,
    );
    const end = (error?: Error): void => {
      clearTimeout(timer);
      if (error === undefined) resolve({ status, text: Buffer.concat(chunks).toString() });
      else reject(error);
    };
    const call = callEngine(engine, request, {
      onStatus: (found) => (status = found),
      onData: (chunk) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) giveUp(new Error(`${asked}: an answer of more than ${MAX_BYTES} bytes`));
        else chunks.push(Buffer.from(chunk));
      },
      onEnd: () => end(),
      onError: end,
    });
  });
}

/** Gets a page, within a second. */
export function getPage(engine: EngineAddress, path: string): Promise<EnginePage> {
  return askEngine(engine, { method: 'GET', path });
}

/** Whether an engine says that it can serve, and why it can't. */
export async function probeEngine(
  engine: EngineAddress,
  path: string,
): Promise<{ readonly result: ProbeResult; readonly why: string }> {
  try {
    const { status } = await getPage(engine, path);
    if (status >= 200 && status < 300) return { result: 'ok', why: '' };
    return { result: 'bad', why: `GET ${path} was answered with status ${status}` };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof NoAnswerError) return { result: 'silent', why };
    const isRefused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
    return { result: isRefused ? 'refused' : 'bad', why };
  }
}

/**
 * The names under which an engine serves models.
 *
 * @throws InferenceServerError UNAVAILABLE when it answers with anything else.
 */
export async function listEngineModels(engine: EngineAddress): Promise<readonly string[]> {
  const { status, text } = await getPage(engine, '/v1/models');
  if (status !== 200) throw unexpected(engine, `status ${status}`);
  try {
    const { data } = JSON.parse(text) as { data: readonly { id: string }[] };
    return data.map(({ id }) => id);
  } catch {
    throw unexpected(engine, `'${text.slice(0, 100)}'`);
  }
}

function unexpected({ url }: EngineAddress, found: string): InferenceServerError {
  const message = `engine ${url.host}: expected a list of models from /v1/models, found ${found}`;
  return new InferenceServerError('UNAVAILABLE', message);
}
