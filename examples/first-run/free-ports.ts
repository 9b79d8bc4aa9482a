import { once } from 'node:events';
import { createServer } from 'node:net';

/** The three ports of a server. */
export interface Ports {
  readonly http: number;
  readonly grpc: number;
  readonly metrics: number;
}

/** Three ports in a row from `first`, where all of them are free. */
export function portsFrom(first: number): Ports {
  return { http: first, grpc: first + 1, metrics: first + 2 };
}

/**
 * Three free ports in a row: from `first`, otherwise from the next tens.
 *
 * @throws Error when nothing is free in a hundred.
 */
export async function freePorts(first: number): Promise<Ports> {
  for (let from = first; from < first + 100; from += 10) {
    const ports = portsFrom(from);
    if (await areFree(ports)) return ports;
  }
  throw new Error(
    `no three free ports in a row from ${first} to ${first + 99}: choose others with -- --port=N`,
  );
}

async function areFree(ports: Ports): Promise<boolean> {
  for (const port of Object.values(ports)) {
    if (!(await isFree(port))) return false;
  }
  return true;
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}
