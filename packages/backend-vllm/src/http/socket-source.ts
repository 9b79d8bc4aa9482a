import { connect, isIP, type TcpNetConnectOpts } from 'node:net';
import { connect as connectSecurely, type ConnectionOptions, type SecureContext } from 'node:tls';
import type { SocketSource } from './http-connection.ts';

/** A connection that carries nothing for so long, while an engine thinks, is asked whether it is still there. */
const PROBE_AFTER_MS = 60_000;
const READ_BYTES = 65_536;
/** The most that one record of TLS holds. */
const RECORD_BYTES = 16_384;

/**
 * Opens sockets to the host of a URL. What they read lands in one buffer and is dealt with there: no event, no stream and no
 * 64 KiB for each read, of which a token is two hundred bytes.
 *
 * @param tls - For https: whom to trust, and as whom to be seen. Default: Node's authorities, and as nobody.
 */
export function createSocketSource(
  url: URL,
  { connectMs, tls }: { readonly connectMs: number; readonly tls?: SecureContext | undefined },
): SocketSource {
  const isSecure = url.protocol === 'https:';
  const options: TcpNetConnectOpts = {
    // A URL has the brackets of IPv6, the system has not.
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: PROBE_AFTER_MS,
  };
  return isSecure
    ? { open: secureSockets(options, tls), connected: 'secureConnect', connectMs }
    : { open: plainSockets(options), connected: 'connect', connectMs };
}

function plainSockets(options: TcpNetConnectOpts): SocketSource['open'] {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  return (onRead) => connect({ ...options, onread: into(buffer, onRead) });
}

function secureSockets(options: TcpNetConnectOpts, tls: SecureContext | undefined): SocketSource['open'] {
  const { host = '' } = options;
  const secureOptions: ConnectionOptions = {
    ...options,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) === 0 && { servername: host }),
    ...(tls !== undefined && { secureContext: tls }),
  };
  let session: Buffer | undefined;
  return (onRead) => {
    // One of its own: a write can bring what was received before while another connection's bytes are being read.
    const onread = into(Buffer.allocUnsafeSlow(RECORD_BYTES), onRead);
    const ticket: ConnectionOptions = session === undefined ? {} : { session };
    const socket = connectSecurely(Object.assign({ onread }, secureOptions, ticket));
    return socket.on('session', (next) => {
      session = next;
    });
  };
}

function into(
  buffer: Buffer,
  onRead: (bytes: Buffer) => boolean,
): { readonly buffer: Buffer; callback(byteLength: number): boolean } {
  return { buffer, callback: (byteLength) => onRead(buffer.subarray(0, byteLength)) };
}
