/** The `outputs` of an inference request. */
import type { InferRequestedOutput } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { arrayMember, isUnsigned, memberOf, stringMember, toBooleanValue } from './json-member.ts';
import type { JsonValue } from './parse-json.ts';
import { decodeSharedMemoryRef } from './shared-memory-ref.ts';

/** Decodes the member `outputs`; none when it is absent. */
export function decodeRequestedOutputs(json: JsonValue): InferRequestedOutput[] {
  if (memberOf(json, 'outputs') === undefined) return [];
  const outputs: InferRequestedOutput[] = [];
  for (const output of arrayMember(json, 'outputs')) outputs.push(decodeRequestedOutput(output));
  return outputs;
}

function decodeRequestedOutput(json: JsonValue): InferRequestedOutput {
  const parameters = memberOf(json, 'parameters');
  const binary = memberOf(parameters, 'binary_data');
  const classification = memberOf(parameters, 'classification');
  const usesSharedMemory = memberOf(parameters, 'shared_memory_region') !== undefined;
  if (usesSharedMemory && classification !== undefined) failBoth('classification');
  const binaryData = binary === undefined ? false : toBooleanValue(binary, 'binary_data');
  if (usesSharedMemory && binaryData) failBoth('binary_data');

  const output = {
    name: stringMember(json, 'name'),
    classification: classification === undefined ? 0 : toClassification(classification),
    binaryData,
  };
  const sharedMemory = decodeSharedMemoryRef(parameters);
  return sharedMemory === undefined ? output : { ...output, sharedMemory };
}

function toClassification(value: JsonValue): number {
  if (isUnsigned(value)) return Number(value);
  throw new InferenceServerError(
    'INTERNAL',
    "Unable to set 'classification': attempt to access JSON non-unsigned-integer as unsigned-integer",
  );
}

function failBoth(other: string): never {
  throw new InferenceServerError(
    'INVALID_ARG',
    `Output can't set both 'shared_memory_region' and '${other}'`,
  );
}
