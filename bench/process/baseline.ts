import { fileURLToPath } from 'node:url';
import { OwnedProcess } from './child-process.ts';

/** A bare server to compare with. */
export interface Baseline extends AsyncDisposable {
  readonly port: number;
}

/** Starts one of the servers in `baselines`. */
export async function startBaseline(name: 'http-echo' | 'grpc-echo' | 'http2-echo'): Promise<Baseline> {
  const child = new OwnedProcess([fileURLToPath(new URL(`../baselines/${name}.ts`, import.meta.url))]);
  try {
    const port = Number(await child.firstLine());
    return { port, [Symbol.asyncDispose]: () => child.stop() };
  } catch (error) {
    await child.stop();
    throw error;
  }
}
