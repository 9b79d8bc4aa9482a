import type { LoadGenerators } from '../load/choose-load.ts';
import type { GrpcTarget, HttpTarget } from '../load/load.ts';
import { alternate, type Contender } from '../measure/alternate.ts';
import type { BenchContext } from './scenario.ts';

/** Who answers, and what it is sent. */
export interface LoadedSide {
  readonly name: string;
  readonly target: HttpTarget | GrpcTarget;
}

/** Two servers, or two models of one, under the same load. */
export interface LoadComparison {
  readonly scenario: string;
  /** Of the figure; the number of connections is written behind it. */
  readonly name: string;
  readonly connections: number;
  readonly base: LoadedSide;
  readonly subject: LoadedSide;
  /** The least ratio that is wanted. */
  readonly goal?: number | undefined;
}

/** Measures and reports one ratio. */
export async function compareUnderLoad(context: BenchContext, comparison: LoadComparison): Promise<void> {
  const { scenario, name, connections, base, subject, goal } = comparison;
  const figure = await alternate({
    ...context.rounds,
    scenario,
    name: `${name}, ${formatConnections(connections)}`,
    base: underLoad(context.loads, base, connections),
    subject: underLoad(context.loads, subject, connections),
    ...(goal !== undefined && { goal }),
  });
  context.report(figure);
}

/** One side of a comparison, loaded over so many connections. */
export function underLoad(
  { http, grpc }: LoadGenerators,
  { name, target }: LoadedSide,
  connections: number,
): Contender {
  if ('url' in target) return { name, load: (seconds) => http.run(target, { connections, seconds }) };
  return { name, load: (seconds) => grpc.run(target, { connections, seconds }) };
}

export function formatConnections(connections: number): string {
  return `${connections} ${connections === 1 ? 'connection' : 'connections'}`;
}
