/** Limits of HTTP/2 that both transports share. */

/**
 * Bytes that a client may send ahead, on a stream and on a connection. HTTP/2's own 64 KiB cost a round trip
 * for each 64 KiB of a tensor: 8 MiB took 1.6 times as long, even on one machine.
 */
export const WINDOW_BYTE_SIZE = 4 * 2 ** 20;

/**
 * Calls that clients of one connection may cancel: so many at once, and so many a second. Node closes a connection
 * after 1,000 and 33, and fails all that is under way on it; a proxy that carries the calls of many clients gets there
 * soon. There still is a limit, since opening and cancelling calls without end is a way to attack a server.
 */
export const STREAM_RESETS = { resetBurst: 100_000, resetsPerSecond: 10_000 } as const;

/**
 * Calls that may be open on one connection. Clients that know the limit let further ones wait; without one, calls that are opened
 * and never read cost 3 KB each. Proxies, which carry the calls of many, keep well below.
 */
export const MAX_STREAMS = 16_384;
