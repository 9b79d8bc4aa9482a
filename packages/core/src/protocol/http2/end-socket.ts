import type { Socket } from 'node:net';

/** Once all has been sent, a client has so many milliseconds to close its side. */
const LINGER_MS = 1000;

/** Ends our side; a client that is stuck or gone does not hold up the end. */
export function endGently(socket: Socket): void {
  socket.end();
  socket.once('finish', () => {
    destroyLater(socket);
  });
}

/** Closes a connection in a moment, if it is not closed by then. */
export function destroyLater(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => {
    clearTimeout(timer);
  });
}
