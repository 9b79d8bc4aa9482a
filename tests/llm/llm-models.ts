/** Models of the backend vllm for tests from outside, and what they are asked. */
import type { ModelFiles } from '../server/make-repository.ts';
import type { RunningServer } from '../server/start-server.ts';

/**
 * A model's folder.
 *
 * @param parameters - `parameters` of its configuration.
 * @param modelJson - `model.json`; absent: none, for engines elsewhere.
 * @param count - Instances, each of which has an engine of its own when there is a `model.json`.
 */
export function llmModel(
  parameters: Readonly<Record<string, string>>,
  modelJson?: unknown,
  count = 1,
): ModelFiles {
  const entries = Object.entries(parameters).map(
    ([name, value]) => `parameters { key: "${name}" value { string_value: ${JSON.stringify(value)} } }`,
  );
  return {
    'config.pbtxt': `backend: "vllm" instance_group [{ count: ${count} kind: KIND_MODEL }] ${entries.join(' ')}`,
    '1/.keep': '',
    ...(modelJson !== undefined && { '1/model.json': JSON.stringify(modelJson) }),
  };
}

/** An answer of the server. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export async function post(
  server: Pick<RunningServer, 'http'>,
  path: string,
  body: unknown = {},
  signal?: AbortSignal,
): Promise<Answer> {
  return send(`${server.http}${path}`, {
    body: JSON.stringify(body),
    ...(signal !== undefined && { signal }),
  });
}

async function send(url: string, request: RequestInit): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', ...request });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Asks a model for a few tokens by `POST /v1/chat/completions`. */
export function chat(
  server: Pick<RunningServer, 'http'>,
  model: string,
  content: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const body = { model, max_tokens: 3, messages: [{ role: 'user', content }] };
  return send(`${server.http}/v1/chat/completions`, { body: JSON.stringify(body), headers });
}

/** Asks a model for a few tokens by `POST /v2/models/<model>/generate`. */
export function generate(
  server: Pick<RunningServer, 'http'>,
  model: string,
  body: Readonly<Record<string, unknown>> = {},
  signal?: AbortSignal,
): Promise<Answer> {
  return post(
    server,
    `/v2/models/${model}/generate`,
    { text_input: 'Hello', max_tokens: 3, ...body },
    signal,
  );
}

/** Asks a model by `POST /v2/models/<model>/generate_stream`, and gives the JSON of its events. */
export async function generateStream(
  server: Pick<RunningServer, 'http'>,
  model: string,
  body: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<Record<string, unknown>[]> {
  const path = `/v2/models/${model}/generate_stream`;
  return eventsOf((await post(server, path, { stream: true, ...body }, signal)).text);
}

/** The JSON of a stream's events. */
export function eventsOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => JSON.parse(event.slice('data: '.length)) as Record<string, unknown>);
}

/** Value of a metric: its name, and labels that the sample must have. Undefined: there is none. */
export async function metricValue(
  server: Pick<RunningServer, 'metrics'>,
  name: string,
  ...labels: readonly string[]
): Promise<number | undefined> {
  const page = await (await fetch(`${server.metrics}/metrics`)).text();
  const sample = page
    .split('\n')
    .find((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)));
  return sample === undefined ? undefined : Number(sample.slice(sample.lastIndexOf(' ') + 1));
}
