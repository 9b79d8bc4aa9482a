import type { Tensor } from '@nereid/protocol';
import type { GraphTensor } from './ensemble-graph.ts';
import type { EnsembleNode } from './ensemble-outline.ts';

/**
 * What an ensemble tensor is, once that is settled: its value; `skipped` when its step was; `missing` when its step
 * ran and did not give it; `unsent` for an optional input of the ensemble that the client left out.
 */
export type TensorState = Tensor | 'skipped' | 'missing' | 'unsent';

/** From where a pass comes. */
export interface PassOrigin {
  /** The decoupled step whose response it is for, or ROOT. */
  readonly scope: number;
  readonly parent: EnsemblePass | undefined;
  /** Place among all passes of the scope. */
  readonly index: number;
}

/**
 * One pass of a request through a part of the graph. The root pass runs the steps before any decoupled step; each
 * response of a decoupled step starts a pass below the one in which that step ran. Tensors of the passes above are
 * seen, too.
 */
export class EnsemblePass {
  readonly scope: number;
  readonly parent: EnsemblePass | undefined;
  readonly index: number;
  /** How many decoupled steps lead here. */
  readonly depth: number;
  /** The next pass of the same scope, as soon as there is one. */
  next: EnsemblePass | undefined = undefined;
  /** Passes below that are not answered, in the order of the responses that started them. */
  readonly children: EnsemblePass[] = [];
  /** Whether any pass was started below. */
  hasChildren = false;
  /** Whether no more passes will start below. */
  isProduced = false;
  /** Whether the request ends with it. */
  isLast = false;
  /** Whether nothing more runs in it. */
  isCut = false;
  readonly #states = new Map<number, TensorState>();
  readonly #decided = new Set<number>();
  #awaiting: Set<number> | undefined;

  constructor({ scope, parent, index }: PassOrigin) {
    this.scope = scope;
    this.parent = parent;
    this.index = index;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }

  /**
   * What a tensor of this pass, or of those above, is; undefined while it is not settled.
   *
   * @param at - Place of the tensor in the graph.
   */
  get(at: number, tensor: GraphTensor): TensorState | undefined {
    if (this.scope === tensor.scope) return this.#states.get(at);
    return this.parent?.get(at, tensor);
  }

  /** Settles a tensor of this pass. */
  settle(at: number, state: TensorState): void {
    this.#states.set(at, state);
  }

  isSettled(at: number): boolean {
    return this.#states.has(at);
  }

  /** Notes that a tensor waits for the one that stands in for it. */
  awaitFallback(at: number): void {
    (this.#awaiting ??= new Set()).add(at);
  }

  awaitsFallback(at: number): boolean {
    return this.#awaiting?.has(at) ?? false;
  }

  isDecided(node: EnsembleNode): boolean {
    return this.#decided.has(node.index);
  }

  decide(node: EnsembleNode): void {
    this.#decided.add(node.index);
  }

  /** Ends all passes below its own parent that come after this one. */
  dropLater(): void {
    const siblings = this.parent?.children ?? [];
    const at = siblings.indexOf(this);
    for (const dropped of siblings.splice(at + 1)) dropped.cutAll();
  }

  /** From now on nothing runs in this pass and those below. */
  cutAll(): void {
    this.isCut = true;
    for (const child of this.children) child.cutAll();
  }

  /** This pass and all below, the first in order first. */
  *all(): Generator<EnsemblePass> {
    yield this;
    for (const child of this.children) yield* child.all();
  }

  /** Calls back for each pass of a scope that is this one or below it. */
  forEachOf(scope: number, call: (pass: EnsemblePass) => void): void {
    if (this.scope === scope) call(this);
    // A copy: passes that start meanwhile find by themselves what is settled.
    else for (const child of [...this.children]) child.forEachOf(scope, call);
  }
}
