/** The page with the metrics, on its own port. */
import type { ServerResponse } from 'node:http';
import { sendBody } from './answer.ts';
import { sendErrorText } from './error-handler.ts';
import { close, listen, type ListenOptions } from './listener.ts';

export interface MetricsServer {
  /**
   * @returns The port it listens on.
   * @throws InferenceServerError UNAVAILABLE when the port cannot be had.
   */
  listen(): Promise<{ readonly port: number }>;
  /** @param graceMs - After this many milliseconds running requests are cut off. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves `GET /metrics`. Any other path is an empty page, as in Triton.
 *
 * @param render - Gives the page in Prometheus' text format.
 */
export function createMetricsServer(
  render: () => string | Promise<string>,
  options: ListenOptions,
): MetricsServer {
  // An import of node:http by an ES module also loads its fetch client: 45 ms of the start.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?');
    if (path !== '/metrics') sendBody(response, 200, 'text/plain', '');
    else if (request.method !== 'GET') sendErrorText(response, 405, 'Method Not Allowed');
    else void sendPage(response, render);
  });
  return {
    listen: () => listen(server, options),
    close: (graceMs) => close(server, graceMs),
  };
}

async function sendPage(response: ServerResponse, render: () => string | Promise<string>): Promise<void> {
  try {
    sendBody(response, 200, 'text/plain; charset=utf-8', await render());
  } catch (reason) {
    sendErrorText(response, 500, `the metrics could not be rendered: ${String(reason)}`);
  }
}
