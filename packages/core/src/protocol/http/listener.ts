/** Listening and closing, for the HTTP and the metrics endpoint. */
import type { Server, ServerResponse } from 'node:http';
import type { Server as SocketServer } from 'node:net';
import { InferenceServerError } from '@nereid/protocol';

/** Connections that wait to be accepted. */
const BACKLOG = 511;

/** How often a closing server looks for connections that have become idle, in milliseconds. */
const IDLE_CHECK_INTERVAL = 20;

/** Where to listen. */
export interface ListenOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  readonly reusePort: boolean;
}

/**
 * @returns The port it listens on.
 * @throws InferenceServerError UNAVAILABLE when the port cannot be had.
 */
export function listen(
  server: SocketServer,
  { address, port, reusePort }: ListenOptions,
): Promise<{ readonly port: number }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      const message = `cannot listen for HTTP on ${address}:${String(port)}: ${cause.message}`;
      reject(new InferenceServerError('UNAVAILABLE', message, { cause }));
    };
    server.once('error', fail);
    server.listen({ host: address, port, reusePort, backlog: BACKLOG }, () => {
      server.off('error', fail);
      const bound = server.address();
      resolve({ port: typeof bound === 'object' && bound !== null ? bound.port : port });
    });
  });
}

/** Takes no new connections, lets the running requests end, and closes each connection once it is idle. */
export async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  await closeConnections(server, closed, graceMs);
}

/**
 * Closes the connections of a server once they are idle.
 *
 * @param closed - Resolves when there are none left.
 * @param onDeadline - Called after `graceMs`, when all of them are cut off. Default: nothing more is done.
 */
export async function closeConnections(
  server: Server,
  closed: Promise<void>,
  graceMs: number,
  onDeadline?: () => void,
): Promise<void> {
  const closeIdle = (): void => server.closeIdleConnections();
  const idleCheck = setInterval(closeIdle, IDLE_CHECK_INTERVAL);
  const deadline = setTimeout(() => {
    server.closeAllConnections();
    onDeadline?.();
  }, graceMs);
  server.prependListener('request', closeConnectionAfter);
  closeIdle();
  await closed;
  clearInterval(idleCheck);
  clearTimeout(deadline);
}

function closeConnectionAfter(_request: unknown, response: ServerResponse): void {
  response.shouldKeepAlive = false;
}
