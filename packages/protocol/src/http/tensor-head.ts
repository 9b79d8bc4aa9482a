import { isDatatype, type Datatype } from '../datatype.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { arrayMember, stringMember, toUnsignedValue } from './json-member.ts';
import type { JsonValue } from './parse-json.ts';

/** What the JSON of a tensor says besides its data. */
export interface TensorHead {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
}

/** Decodes `name`, `datatype` and `shape` of a tensor. */
export function decodeTensorHead(json: JsonValue, kind: 'input' | 'output'): TensorHead {
  const name = stringMember(json, 'name');
  const datatype = stringMember(json, 'datatype');
  const shape: number[] = [];
  for (const dim of arrayMember(json, 'shape')) shape.push(Number(toUnsignedValue(dim, 'shape')));
  if (isDatatype(datatype)) return { name, datatype, shape };
  throw new InferenceServerError('INVALID_ARG', `invalid datatype for ${kind} ${name}`);
}

/** The same tensor's JSON up to its data: `{"name":…,"datatype":…,"shape":[…]` */
export function stringifyTensorHead(tensor: TensorHead): string {
  const { name, datatype, shape } = tensor;
  return `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join(',')}]`;
}
