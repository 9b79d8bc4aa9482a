import { fileURLToPath } from 'node:url';
import { OwnedProcess } from './child-process.ts';
import type { ServerAddress } from './nereid.ts';

/** The bare servers in `baselines`, and how figures call them. */
const BASELINES = {
  'http-echo': 'node:http echo',
  'grpc-echo': 'grpc-js echo',
  'http2-echo': 'node:http2 echo',
} as const;

/** A bare server to compare with; it speaks either HTTP or gRPC. */
export interface Baseline extends ServerAddress, AsyncDisposable {
  readonly name: string;
}

/** Starts one of the servers in `baselines`. */
export async function startBaseline(baseline: keyof typeof BASELINES): Promise<Baseline> {
  const child = new OwnedProcess([fileURLToPath(new URL(`../baselines/${baseline}.ts`, import.meta.url))]);
  try {
    const address = `127.0.0.1:${Number(await child.firstLine())}`;
    return {
      name: BASELINES[baseline],
      httpUrl: `http://${address}`,
      grpcAddress: address,
      [Symbol.asyncDispose]: () => child.stop(),
    };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

/** Whether a side of a figure is one of the bare servers. */
export function isBaseline(name: string): boolean {
  return Object.values<string>(BASELINES).includes(name);
}
