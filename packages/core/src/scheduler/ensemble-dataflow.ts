import { InferenceServerError, type Tensor } from '@nereid/protocol';
import { holds, NotOneValue } from '../ensemble/evaluate-expression.ts';
import type { Expression } from '../ensemble/expression.ts';
import type { InferenceRequest } from '../request/inference-request.ts';
import { defaultTensor } from './ensemble-default.ts';
import type { EnsembleGraph } from './ensemble-graph.ts';
import type { EnsembleNode, StepNode } from './ensemble-outline.ts';
import { EnsemblePass, type TensorState } from './ensemble-pass.ts';
import { ROOT } from './ensemble-scopes.ts';
import { EnsembleValues } from './ensemble-values.ts';

/** What comes out of the flow. */
export interface DataflowEvents {
  /** All that a step reads is there. */
  run(step: StepNode, pass: EnsemblePass): void;
  /** The condition of the early end holds. */
  end(pass: EnsemblePass): void;
  /** A condition could not be looked at. */
  fail(error: InferenceServerError): void;
}

/** What the flow of one request needs. */
export interface DataflowParts {
  readonly graph: EnsembleGraph;
  readonly request: InferenceRequest;
  /** Places of the nodes that have to do with what the client wants. */
  readonly needed: ReadonlySet<number>;
  readonly events: DataflowEvents;
}

/**
 * Which tensors of a request are settled, and what follows from it. Each node is decided on once a pass, when all it
 * reads is settled, in later passes not before earlier ones: a step runs or settles its outputs as skipped or missing.
 */
export class EnsembleDataflow {
  readonly root = new EnsemblePass({ scope: ROOT, parent: undefined, index: 0 });
  readonly #graph: EnsembleGraph;
  readonly #request: InferenceRequest;
  readonly #needed: ReadonlySet<number>;
  readonly #events: DataflowEvents;
  /** Index of the pass in which each node is decided on next. */
  readonly #turns: number[];
  /** The youngest pass of each scope. */
  readonly #youngest = new Map<number, EnsemblePass>();

  constructor({ graph, request, needed, events }: DataflowParts) {
    this.#graph = graph;
    this.#request = request;
    this.#needed = needed;
    this.#events = events;
    this.#turns = graph.nodes.map(() => 0);
  }

  /** Begins with the inputs of the request. */
  start(): void {
    for (const at of this.#graph.inputs) {
      const name = this.#graph.tensors[at]?.name;
      this.#settle(this.root, at, this.#request.inputs.find((input) => input.name === name) ?? 'unsent');
    }
    this.#decideAll(this.root);
  }

  /** What a tensor is in a pass; undefined while it is not settled. */
  stateOf(pass: EnsemblePass, at: number): TensorState | undefined {
    const tensor = this.#graph.tensors[at];
    return tensor === undefined ? 'missing' : pass.get(at, tensor);
  }

  /** The step that ran and left a tensor out on which a missing one depends, and the output it left out. */
  originOf(
    pass: EnsemblePass,
    missing: number,
  ): { readonly step: StepNode; readonly output: string } | undefined {
    const step = this.#graph.nodes[this.#graph.tensors[missing]?.maker ?? ROOT];
    if (step?.kind !== 'step') return undefined;
    const lacking = step.inputs.find(({ tensor }) => this.stateOf(pass, tensor) === 'missing');
    if (lacking !== undefined) return this.originOf(pass, lacking.tensor);
    const output = step.outputs.find(({ tensor }) => tensor === missing);
    return output && { step, output: output.modelTensor };
  }

  /** Takes the response of an ordinary step. */
  give(step: StepNode, pass: EnsemblePass, outputs: readonly Tensor[]): void {
    for (const { modelTensor, tensor } of step.outputs) {
      this.#settle(pass, tensor, outputs.find(({ name }) => name === modelTensor) ?? 'missing');
    }
  }

  /** Takes a response of a decoupled step. It may lack outputs: what needs them is then skipped in its pass. */
  beginPass(step: StepNode, parent: EnsemblePass, outputs: readonly Tensor[]): void {
    const before = this.#youngest.get(step.index);
    const index = before === undefined ? 0 : before.index + 1;
    const pass = new EnsemblePass({ scope: step.index, parent, index });
    if (before !== undefined) before.next = pass;
    this.#youngest.set(step.index, pass);
    pass.isCut = parent.isCut;
    parent.hasChildren = true;
    parent.children.push(pass);
    for (const { modelTensor, tensor } of step.outputs) {
      this.#settle(pass, tensor, outputs.find(({ name }) => name === modelTensor) ?? 'skipped');
    }
    this.#decideAll(pass);
  }

  /** A step that gives nothing settles its outputs all the same. A decoupled one has one pass, so that defaults apply. */
  giveNothing(step: StepNode, pass: EnsemblePass, state: 'skipped' | 'missing'): void {
    if (step.decoupled) {
      if (!pass.hasChildren) this.beginPass(step, pass, []);
      pass.isProduced = true;
      return;
    }
    for (const { tensor } of step.outputs) this.#settle(pass, tensor, state);
  }

  /** Skips all that was not decided on in a pass. */
  skipRest(pass: EnsemblePass): void {
    for (const node of this.#undecided(pass)) {
      pass.decide(node);
      if (node.kind === 'step') this.giveNothing(node, pass, 'skipped');
    }
  }

  /** What was not decided on in a pass has become pointless: later passes need not wait for it. */
  close(pass: EnsemblePass): void {
    for (const node of this.#undecided(pass)) {
      pass.decide(node);
      this.#decide(node, pass);
    }
  }

  #undecided(pass: EnsemblePass): readonly EnsembleNode[] {
    const nodes = this.#graph.nodesInScope.get(pass.scope) ?? [];
    return nodes.filter((node) => this.#needed.has(node.index) && !pass.isDecided(node));
  }

  #decideAll(pass: EnsemblePass): void {
    for (const node of this.#graph.nodesInScope.get(pass.scope) ?? []) this.#decide(node, pass);
  }

  /** Decides on a node in a pass, and in those that waited for this one, as far as they are ready. */
  #decide(node: EnsembleNode, from: EnsemblePass): void {
    if (!this.#needed.has(node.index)) return;
    for (let pass: EnsemblePass | undefined = from; pass !== undefined; pass = pass.next) {
      if (this.#request.isEnded || this.#turns[node.index] !== pass.index) return;
      const isOpen = !pass.isDecided(node);
      if (isOpen && !this.#isReady(node, pass)) return;
      // Before anything is run: what answers at once comes back here.
      this.#turns[node.index] = pass.index + 1;
      if (!isOpen) continue;
      pass.decide(node);
      if (node.kind === 'step') this.#enter(node, pass);
      else if (this.#holds(node.when, 'the early end', pass)) this.#events.end(pass);
    }
  }

  #isReady(node: EnsembleNode, pass: EnsemblePass): boolean {
    for (const at of node.reads) if (this.stateOf(pass, at) === undefined) return false;
    return true;
  }

  #enter(step: StepNode, pass: EnsemblePass): void {
    const lack = this.#lackOf(step, pass);
    if (this.#request.isEnded) return;
    if (lack === undefined) this.#events.run(step, pass);
    else this.giveNothing(step, pass, lack);
  }

  /** Why a step can't run; undefined when it can. */
  #lackOf(step: StepNode, pass: EnsemblePass): 'skipped' | 'missing' | undefined {
    if (pass.isCut) return 'skipped';
    let lack: 'skipped' | undefined;
    for (const { tensor, optional } of step.inputs) {
      const state = optional ? undefined : this.stateOf(pass, tensor);
      if (state === 'missing') return state;
      if (state === 'skipped') lack = state;
    }
    if (lack !== undefined || step.when === undefined) return lack;
    return this.#holds(step.when, `step ${step.index}`, pass) ? undefined : 'skipped';
  }

  #holds(condition: Expression, what: string, pass: EnsemblePass): boolean {
    try {
      return holds(condition, new EnsembleValues(this.#graph, this.#request, pass));
    } catch (error) {
      const code = error instanceof NotOneValue ? 'INVALID_ARG' : 'INTERNAL';
      const { message } = InferenceServerError.from(error);
      this.#events.fail(new InferenceServerError(code, `condition of ${what}: ${message}`, { cause: error }));
      return false;
    }
  }

  /** Settles a tensor, and what waits for it. */
  #settle(pass: EnsemblePass, at: number, given: TensorState): void {
    const tensor = this.#graph.tensors[at];
    if (tensor === undefined || pass.isSettled(at) || this.#request.isEnded) return;
    // What an early end kept from running leaves nothing: defaults are for steps whose condition did not hold.
    const state = given === 'skipped' && !pass.isCut ? this.#fallbackOf(at, pass) : given;
    if (state === undefined) return;
    pass.settle(at, state);
    for (const reader of tensor.readers) {
      const node = this.#graph.nodes[reader];
      if (node !== undefined) pass.forEachOf(node.scope, (below) => this.#decide(node, below));
    }
    for (const stood of tensor.standsInFor) this.#standIn(stood, pass);
  }

  /** What a tensor is whose step was skipped; undefined while what stands in for it is not settled. */
  #fallbackOf(at: number, pass: EnsemblePass): TensorState | undefined {
    const fallback = this.#graph.tensors[at]?.fallback;
    if (fallback === undefined) return 'skipped';
    if (typeof fallback === 'object') return defaultTensor(fallback, this.#request.batchSize);
    const state = this.stateOf(pass, fallback);
    if (state === undefined) pass.awaitFallback(at);
    return state === 'unsent' ? 'skipped' : state;
  }

  #standIn(stood: number, pass: EnsemblePass): void {
    const scope = this.#graph.tensors[stood]?.scope ?? ROOT;
    pass.forEachOf(scope, (below) => {
      if (below.awaitsFallback(stood)) this.#settle(below, stood, 'skipped');
    });
  }
}
