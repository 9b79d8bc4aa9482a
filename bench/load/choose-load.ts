import { fileURLToPath } from 'node:url';
import { findTool, type Tool } from '../tool/find-tool.ts';
import { setUpGhz } from '../tool/set-up-ghz.ts';
import { setUpWrk } from '../tool/set-up-wrk.ts';
import { createGhz } from './ghz.ts';
import type { GrpcTarget, HttpTarget, LoadGenerator } from './load.ts';
import { ownGrpcLoad } from './own-grpc.ts';
import { ownHttpLoad } from './own-http.ts';
import { createWrk } from './wrk.ts';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/nereid-bench', import.meta.url));

/** Who makes the load. */
export interface LoadGenerators {
  readonly http: LoadGenerator<HttpTarget>;
  readonly grpc: LoadGenerator<GrpcTarget>;
  /** What is missing, and how to get it. */
  readonly notes: readonly string[];
}

/** wrk and ghz, set up where they are not installed; where that fails our own, and a note that says so. */
export async function chooseLoadGenerators(directory: string): Promise<LoadGenerators> {
  const wrk = await chooseLoad<HttpTarget>({
    name: 'wrk',
    variable: 'NEREID_WRK',
    protocol: 'HTTP',
    setUp: setUpWrk,
    create: (tool) => createWrk(tool, directory),
    own: ownHttpLoad,
  });
  const ghz = await chooseLoad<GrpcTarget>({
    name: 'ghz',
    variable: 'NEREID_GHZ',
    protocol: 'gRPC',
    setUp: setUpGhz,
    create: (tool) => createGhz(tool, directory),
    own: ownGrpcLoad,
  });
  return { http: wrk.load, grpc: ghz.load, notes: [...wrk.notes, ...ghz.notes] };
}

/** One kind of load, and where it may come from. */
export interface LoadSource<Target> {
  readonly name: string;
  /** Of the environment: names the program. */
  readonly variable: string;
  readonly protocol: string;
  setUp(cache: string): Tool;
  create(tool: Tool): Promise<LoadGenerator<Target>>;
  readonly own: LoadGenerator<Target>;
}

/** A load generator, and what there is to say about the choice. */
export interface ChosenLoad<Target> {
  readonly load: LoadGenerator<Target>;
  readonly notes: readonly string[];
}

/** The program that is there or can be had, otherwise our own generator. */
export async function chooseLoad<Target>(source: LoadSource<Target>): Promise<ChosenLoad<Target>> {
  const { name, variable, protocol, own } = source;
  try {
    const tool = findTool(name, variable) ?? source.setUp(CACHE);
    return { load: await source.create(tool), notes: [] };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const note =
      `${name} is not on PATH nor in ${variable}, or does not run, and could not be set up (${reason}): ` +
      `${protocol} load comes from our own generator.`;
    return { load: own, notes: [note] };
  }
}
