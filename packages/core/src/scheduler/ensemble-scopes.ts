/** In which passes the steps of an ensemble run: each response of a decoupled step starts a further pass of those after it. */
import type { EnsembleOutline } from './ensemble-outline.ts';
import type { RefuseEnsemble } from './ensemble-checks.ts';

/** The scope of what runs once a request; also the maker of the ensemble's inputs. */
export const ROOT = -1;

/** A scope is the place of the decoupled step whose responses start its passes, or ROOT. */
export interface EnsembleScopes {
  readonly ofNode: readonly number[];
  readonly ofTensor: readonly number[];
  /** How many decoupled steps lead to a scope. */
  readonly depth: ReadonlyMap<number, number>;
}

/**
 * Finds the scopes of all nodes and tensors.
 *
 * @throws InferenceServerError INVALID_ARG when what belongs together comes from different decoupled steps (CFG-24).
 */
export function findScopes(outline: EnsembleOutline, refuse: RefuseEnsemble): EnsembleScopes {
  const finder = new ScopeFinder(outline, refuse);
  const ofNode = outline.nodes.map((_, at) => finder.ofNode(at));
  const ofTensor = outline.tensors.map((_, at) => finder.ofTensor(at));
  const depth = new Map([...new Set([ROOT, ...ofNode, ...ofTensor])].map((s) => [s, finder.path(s).length]));
  checkOneWay(outline, { ofNode, ofTensor }, finder, refuse);
  checkStandIns(outline, ofTensor, finder, refuse);
  return { ofNode, ofTensor, depth };
}

/** Scopes follow from the tensors that are read; the graph has no circles. */
class ScopeFinder {
  readonly #outline: EnsembleOutline;
  readonly #refuse: RefuseEnsemble;
  readonly #known = new Map<number, number>();

  constructor(outline: EnsembleOutline, refuse: RefuseEnsemble) {
    this.#outline = outline;
    this.#refuse = refuse;
  }

  ofTensor(tensor: number): number {
    const maker = this.#outline.makers[tensor] ?? ROOT;
    const node = this.#outline.nodes[maker];
    if (node === undefined || node.kind === 'end') return ROOT;
    return node.decoupled ? maker : this.ofNode(maker);
  }

  ofNode(at: number): number {
    const known = this.#known.get(at);
    if (known !== undefined) return known;
    const reads = this.#outline.nodes[at]?.reads ?? [];
    let scope = ROOT;
    let from = '';
    for (const tensor of reads) {
      const found = this.ofTensor(tensor);
      const name = this.#outline.tensors[tensor] ?? '';
      if (found === ROOT || found === scope) continue;
      if (scope !== ROOT) this.#refuseMixture(at, [from, name], [scope, found]);
      [scope, from] = [found, name];
    }
    this.#known.set(at, scope);
    return scope;
  }

  /** The decoupled steps that lead to a scope, the first of them first. */
  path(scope: number): readonly number[] {
    return scope === ROOT ? [] : [...this.path(this.ofNode(scope)), scope];
  }

  #refuseMixture(at: number, tensors: readonly string[], scopes: readonly number[]): never {
    const node = this.#outline.nodes[at];
    const { modelName = '', inputs = [] } = node?.kind === 'step' ? node : {};
    const path = inputs.length > 0 ? `ensemble_scheduling.step[${at}]` : 'parameters["end.when"]';
    const who = inputs.length > 0 ? `step ${at} of model '${modelName}'` : "condition 'end.when'";
    return this.#refuse(
      path,
      `${who} receives inputs originated from different decoupled models: tensor '${tensors.join("' and '")}' of ` +
        `steps ${scopes.join(' and ')}; give it the responses of one of them`,
    );
  }
}

/** A response holds outputs of one pass, and one pass is the last: those of passes side by side have nothing in common. */
function checkOneWay(
  { outputs, tensors, nodes }: EnsembleOutline,
  { ofNode, ofTensor }: Omit<EnsembleScopes, 'depth'>,
  finder: ScopeFinder,
  refuse: RefuseEnsemble,
): void {
  const ends = nodes.flatMap(({ kind }, at) =>
    kind === 'end'
      ? [{ what: "condition 'end.when'", path: 'parameters["end.when"]', scope: ofNode[at] ?? ROOT }]
      : [],
  );
  const wanted = outputs.map((output, at) => ({
    what: `output '${tensors[output] ?? ''}'`,
    path: `output[${at}]`,
    scope: ofTensor[output] ?? ROOT,
  }));
  let deepest = { what: '', scope: ROOT };
  for (const { what, path, scope } of [...wanted, ...ends]) {
    if (finder.path(deepest.scope).includes(scope) || scope === ROOT) continue;
    if (deepest.scope !== ROOT && !finder.path(scope).includes(deepest.scope)) {
      refuse(
        path,
        `${deepest.what} and ${what} come from different decoupled models, of steps ${deepest.scope} and ${scope}: ` +
          'which of their responses belong together is not defined; make an ensemble of each',
      );
    }
    deepest = { what, scope };
  }
}

/** What stands in for a tensor must be there in each of its passes. */
function checkStandIns(
  { stands, tensors }: EnsembleOutline,
  ofTensor: readonly number[],
  finder: ScopeFinder,
  refuse: RefuseEnsemble,
): void {
  for (const [stood, source] of stands) {
    const scope = ofTensor[source] ?? ROOT;
    if (scope === ROOT || finder.path(ofTensor[stood] ?? ROOT).includes(scope)) continue;
    const name = tensors[stood] ?? '';
    refuse(
      `parameters["tensor.${name}.default"]`,
      `tensor '${tensors[source] ?? ''}' can't stand in for tensor '${name}': it is made anew by each response of step ${scope}, which '${name}' does not depend on`,
    );
  }
}
