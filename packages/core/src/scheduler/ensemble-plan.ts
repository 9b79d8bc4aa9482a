import type { EnsembleGraph } from './ensemble-graph.ts';

/** What of a graph has to do with the outputs that a client wants. */
export interface EnsemblePlan {
  /** Places of the wanted outputs among the tensors. */
  readonly wanted: readonly number[];
  /** Places of the nodes that must be decided on: what the outputs depend on, and the early end. */
  readonly needed: ReadonlySet<number>;
  /** How many decoupled steps lie before the outputs. */
  readonly depth: number;
}

/** @param isWanted - Whether the client wants an output of the ensemble. */
export function createEnsemblePlan(
  graph: EnsembleGraph,
  isWanted: (output: string) => boolean,
): EnsemblePlan {
  const wanted = graph.outputs.filter((at) => isWanted(graph.tensors[at]?.name ?? ''));
  const needed = new Set<number>();
  const visitNode = (at: number): void => {
    const node = graph.nodes[at];
    if (node === undefined || needed.has(at)) return;
    needed.add(at);
    for (const tensor of node.reads) visitTensor(tensor);
    if (node.kind === 'step') for (const { tensor } of node.outputs) visitFallback(tensor);
  };
  const visitFallback = (at: number): void => {
    const fallback = graph.tensors[at]?.fallback;
    if (typeof fallback === 'number') visitTensor(fallback);
  };
  const visitTensor = (at: number): void => visitNode(graph.tensors[at]?.maker ?? -1);
  for (const at of wanted) visitTensor(at);
  for (const { kind, index } of graph.nodes) if (kind === 'end') visitNode(index);
  const depths = wanted.map((at) => graph.depthOfScope.get(graph.tensors[at]?.scope ?? -1) ?? 0);
  return { wanted, needed, depth: Math.max(0, ...depths) };
}
