/** The page with the metrics, on its own port. */
import type { HttpAnswer, HttpRequestHead } from '@nereid/backend-sdk/http';
import { sendBody } from './answer.ts';
import { sendErrorText } from './error-handler.ts';
import type { ListenOptions } from '../listen-on.ts';
import { HttpEndpoint } from './http-endpoint.ts';

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
  const serve = ({ method, url = '' }: HttpRequestHead, answer: HttpAnswer): void => {
    const [path] = url.split('?');
    if (path !== '/metrics') sendBody(answer, 200, 'text/plain', '');
    else if (method !== 'GET') sendErrorText(answer, 405, 'Method Not Allowed');
    else void sendPage(answer, render);
  };
  const endpoint = new HttpEndpoint({
    find: () => serve,
    createNodeServer: () => {
      // An import of node:http by an ES module also loads its fetch client: 45 ms.
      const { createServer } = process.getBuiltinModule('node:http');
      const server = createServer(serve);
      return Promise.resolve(server);
    },
    onFailure: () => undefined,
  });
  return {
    listen: () => endpoint.listen(options),
    close: (graceMs) => endpoint.close(graceMs),
  };
}

async function sendPage(answer: HttpAnswer, render: () => string | Promise<string>): Promise<void> {
  try {
    sendBody(answer, 200, 'text/plain; charset=utf-8', await render());
  } catch (reason) {
    sendErrorText(answer, 500, `the metrics could not be rendered: ${String(reason)}`);
  }
}
