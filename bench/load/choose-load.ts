import { createGhz } from './ghz.ts';
import type { GrpcTarget, HttpTarget, LoadGenerator } from './load.ts';
import { ownGrpcLoad } from './own-grpc.ts';
import { ownHttpLoad } from './own-http.ts';
import { createWrk } from './wrk.ts';

/** Who makes the load. */
export interface LoadGenerators {
  readonly http: LoadGenerator<HttpTarget>;
  readonly grpc: LoadGenerator<GrpcTarget>;
  /** What is missing, and how to get it. */
  readonly notes: readonly string[];
}

/** wrk and ghz where they are installed; otherwise our own, and a note that says so. */
export async function chooseLoadGenerators(directory: string): Promise<LoadGenerators> {
  const wrk = await createWrk(directory);
  const ghz = await createGhz(directory);
  const notes: string[] = [];
  if (wrk === undefined) {
    notes.push(
      'wrk is not on PATH nor in NEREID_WRK (get it with: apt-get install wrk); HTTP load comes from our own generator.',
    );
  }
  if (ghz === undefined) {
    notes.push(
      'ghz is not on PATH nor in NEREID_GHZ (get it with: go install github.com/bojand/ghz/cmd/ghz@latest); ' +
        'gRPC load comes from our own generator.',
    );
  }
  return { http: wrk ?? ownHttpLoad, grpc: ghz ?? ownGrpcLoad, notes };
}
