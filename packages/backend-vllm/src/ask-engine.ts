import { InferenceServerError } from '@nereid/backend-sdk';
import type { ProbeResult } from './engine-health.ts';
import type { Engine } from './engine.ts';

const LIMIT_MS = 1000;

/** An answer, whole. */
interface EnginePage {
  readonly status: number;
  readonly text: string;
}

type Askable = Pick<Engine, 'url' | 'headers' | 'dispatcher'>;

/**
 * Gets a page of an engine that is no inference: its health, metrics, models. In no hurry, so without `callEngine`'s care
 * about each byte.
 *
 * @throws what the connection fails with, or after a second.
 */
export async function askEngine(engine: Askable, path: string): Promise<EnginePage> {
  const { statusCode, body } = await engine.dispatcher.request({
    origin: engine.url.origin,
    path: `${engine.url.pathname.replace(/\/$/, '')}${path}`,
    method: 'GET',
    headers: engine.headers,
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  return { status: statusCode, text: await body.text() };
}

/** Whether an engine says that it can serve. */
export async function probeEngine(engine: Askable, path: string): Promise<ProbeResult> {
  try {
    const { status } = await askEngine(engine, path);
    return status >= 200 && status < 300 ? 'ok' : 'bad';
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED' ? 'refused' : 'bad';
  }
}

/**
 * The names under which an engine serves models.
 *
 * @throws InferenceServerError UNAVAILABLE when it answers with anything else.
 */
export async function listEngineModels(engine: Askable): Promise<readonly string[]> {
  const { status, text } = await askEngine(engine, '/v1/models');
  if (status !== 200) throw unexpected(engine, `status ${status}`);
  try {
    const { data } = JSON.parse(text) as { data: readonly { id: string }[] };
    return data.map(({ id }) => id);
  } catch {
    throw unexpected(engine, `'${text.slice(0, 100)}'`);
  }
}

function unexpected({ url }: Askable, found: string): InferenceServerError {
  const message = `engine ${url.host}: expected a list of models from /v1/models, found ${found}`;
  return new InferenceServerError('UNAVAILABLE', message);
}
