/** Opening a port. */
import net, { type Server } from 'node:net';

/** Connections that wait to be accepted. */
const BACKLOG = 511;

/** Where to listen. */
export interface ListenOptions {
  /** A name or a numeric address. */
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  readonly reusePort: boolean;
}

/**
 * @returns The port it listens on. Rejects with the operating system's error when it can't be had. Later errors of the server are its
 * owner's.
 */
export function listenOn(server: Server, { address: host, port, reusePort }: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const onListening = (): void => {
      server.off('error', reject);
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    };
    const socket = bindAtOnce({ host, port, reusePort });
    if (socket === undefined) server.listen({ host, port, reusePort, backlog: BACKLOG }, onListening);
    else server.listen(socket, BACKLOG, onListening);
  });
}

/**
 * Binds to a numeric address without a look-up, for which Node compiles a large regular expression: 10 ms of a start.
 *
 * @returns undefined where that can't be done, by this version of Node (before 26) or for this address; to listen the ordinary way says
 * why.
 */
function bindAtOnce(where: net.BoundSocketOptions): net.BoundSocket | undefined {
  // oxlint-disable-next-line typescript/no-unnecessary-condition -- Its types are those of the newest Node.
  if (net.BoundSocket === undefined) return undefined;
  try {
    return new net.BoundSocket(where);
  } catch {
    return undefined;
  }
}
