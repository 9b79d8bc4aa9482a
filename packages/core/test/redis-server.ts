import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Certificate } from './certificates.ts';

/** Why there is no Redis to test with; undefined when `redis-server` is installed. */
export function whyNoRedis(): string | undefined {
  const { status } = spawnSync('redis-server', ['--version']);
  return status === 0 ? undefined : 'redis-server is not installed (Debian: apt-get install redis-server)';
}

/** A Redis server of our own, in memory alone. Disposing of it ends it. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** Stops it without a word, as a machine that hangs does; `resume` lets it go on. */
  pause(): void;
  resume(): void;
}

/** What a Redis server is started with. */
export interface RedisServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Default: none is needed. */
  readonly password?: string;
  /** Its certificate, and who signed those that its clients must show. Default: no TLS. */
  readonly tls?: Certificate & { readonly cacert: string };
}

/** Starts Redis at a port of 127.0.0.1, and waits until it accepts connections. */
export async function startRedis({ port, password, tls }: RedisServerOptions = {}): Promise<RedisServer> {
  const at = port ?? (await freePort());
  const secret = password === undefined ? [] : ['--requirepass', password];
  const listen = tls === undefined ? ['--port', String(at)] : tlsFlags(at, tls);
  const child = spawn('redis-server', [...listen, '--bind', '127.0.0.1', '--save', '', ...secret], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (piece: Buffer) => {
      output += String(piece);
      if (output.includes('Ready to accept connections')) resolve();
    });
    void ended.then(() => reject(new Error(`redis-server ended:\n${output}`)));
  });
  return {
    port: at,
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function tlsFlags(
  port: number,
  { cert, key, cacert }: NonNullable<RedisServerOptions['tls']>,
): readonly string[] {
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cacert];
  return ['--port', '0', '--tls-port', String(port), ...files];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await once(server.close(), 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
