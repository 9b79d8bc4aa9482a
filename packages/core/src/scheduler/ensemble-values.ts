import { decodeStringTensor, elementCount, type Tensor } from '@nereid/protocol';
import type { ExpressionValues, Scalar } from '../ensemble/evaluate-expression.ts';
import type { InferenceRequest } from '../request/inference-request.ts';
import { elementReader } from '../response/element-reader.ts';
import type { EnsembleGraph } from './ensemble-graph.ts';
import type { EnsemblePass } from './ensemble-pass.ts';

/** What conditions see of a request in one of its passes. */
export class EnsembleValues implements ExpressionValues {
  readonly #graph: EnsembleGraph;
  readonly #request: InferenceRequest;
  readonly #pass: EnsemblePass;

  constructor(graph: EnsembleGraph, request: InferenceRequest, pass: EnsemblePass) {
    this.#graph = graph;
    this.#request = request;
    this.#pass = pass;
  }

  elements(name: string): readonly NonNullable<Scalar>[] | undefined {
    const tensor = this.#tensor(name);
    return tensor === undefined ? undefined : elementsOf(tensor);
  }

  hasTensor(name: string): boolean {
    return this.#tensor(name) !== undefined;
  }

  parameter(name: string): Scalar {
    const parameters = this.#request.parameters ?? {};
    return Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  }

  #tensor(name: string): Tensor | undefined {
    const at = this.#graph.tensorIndex.get(name) ?? -1;
    const known = this.#graph.tensors[at];
    const state = known && this.#pass.get(at, known);
    return typeof state === 'object' ? state : undefined;
  }
}

function elementsOf({ datatype, shape, data }: Tensor): readonly NonNullable<Scalar>[] {
  if (datatype === 'BYTES') return decodeStringTensor(data);
  const count = Math.max(0, elementCount(shape));
  if (datatype === 'BOOL') return Array.from({ length: count }, (_, at) => data[at] !== 0);
  const read = elementReader(datatype);
  if (read === undefined) return [];
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: count }, (_, at) => read(view, at));
}
