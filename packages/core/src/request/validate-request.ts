import {
  countBytesElements,
  datatypeByteSize,
  elementCount,
  InferenceServerError,
  shapeToString,
  type BytesTensorFault,
  type InferInput,
  type InferRequestedOutput,
  type Tensor,
} from '@nereid/protocol';
import { requestIdPrefix } from './inference-request.ts';
import type { InputRule, InputRules } from './input-rules.ts';

const BATCH_NOTE =
  ' NOTE: Setting a non-zero max_batch_size in the model config requires a batch dimension to be prepended to ' +
  'each input shape. If you want to specify the full shape including the batch dim in your input dims config, ' +
  'try setting max_batch_size to zero. See the model configuration docs for more info on max_batch_size.';

/** Inputs that fit the model, in the order of its configuration and in the shapes its backend sees. */
export interface ValidInputs {
  readonly tensors: readonly Tensor[];
  /** Rows along the batch dimension; 1 for a model without one. */
  readonly batchSize: number;
}

/** Finds the bytes of an input: inline, or in shared memory. */
export type InputBytes = (input: InferInput) => Uint8Array;

/**
 * Checks the inputs of a request against the model (CFG-40, CFG-41).
 *
 * @throws InferenceServerError INVALID_ARG with Triton's text, which names model and input, expected and found.
 */
export function validateInputs(
  rules: InputRules,
  id: string,
  inputs: readonly InferInput[],
  bytesOf: InputBytes,
): ValidInputs {
  const refuse = (message: string): never => {
    throw new InferenceServerError('INVALID_ARG', requestIdPrefix(id) + message);
  };
  const isInOrder = areInOrder(rules, inputs);
  if (!isInOrder) checkNames(rules, inputs, refuse);
  const batchSize = rules.maxBatchSize > 0 ? checkBatchSize(rules, inputs, refuse) : 1;
  const tensors = inputs.map((input) => checkInput(rules, input, bytesOf(input), refuse));
  if (!isInOrder) tensors.sort((a, b) => indexOf(rules, a) - indexOf(rules, b));
  return { tensors, batchSize };
}

/** @throws InferenceServerError INVALID_ARG for an output that the model does not have. */
export function validateOutputs(rules: InputRules, outputs: readonly InferRequestedOutput[]): void {
  for (const { name } of outputs) {
    if (rules.outputNames.has(name)) continue;
    throw new InferenceServerError(
      'INVALID_ARG',
      `unexpected inference output '${name}' for model '${rules.modelName}'`,
    );
  }
}

type Refuse = (message: string) => never;

function indexOf(rules: InputRules, { name }: Tensor): number {
  return rules.byName.get(name)?.index ?? 0;
}

/** Whether the inputs are all there, in the order of the configuration: the usual case, told quickly. */
function areInOrder(rules: InputRules, inputs: readonly InferInput[]): boolean {
  if (inputs.length !== rules.inputs.length) return false;
  for (let at = 0; at < inputs.length; at += 1) {
    if (inputs[at]?.name !== rules.inputs[at]?.name) return false;
  }
  return true;
}

function checkNames(rules: InputRules, inputs: readonly InferInput[], refuse: Refuse): void {
  inputs.forEach(({ name }, at) => {
    if (inputs.findIndex((other) => other.name === name) < at)
      refuse(`input '${name}' already exists in request`);
  });
  const { modelName } = rules;
  const missing = rules.inputs.filter((rule) => !rule.optional && !inputs.some((i) => i.name === rule.name));
  const isCountWrong = inputs.length < rules.requiredCount || inputs.length > rules.inputs.length;
  if (isCountWrong || missing.length > 0) {
    const unknown = inputs.find((input) => !rules.byName.has(input.name));
    if (!isCountWrong && unknown !== undefined) refuseUnknown(unknown.name, modelName);
    refuse(
      `expected ${rules.requiredCount} inputs but got ${inputs.length} inputs for model '${modelName}'. ` +
        `Got input(s) [${quoted(inputs)}], but missing required input(s) [${quoted(missing)}]. ` +
        'Please provide all required input(s).',
    );
  }
  for (const { name } of inputs) if (!rules.byName.has(name)) refuseUnknown(name, modelName);
}

function refuseUnknown(name: string, modelName: string): never {
  throw new InferenceServerError(
    'INVALID_ARG',
    `unexpected inference input '${name}' for model '${modelName}'`,
  );
}

function quoted(named: readonly { readonly name: string }[]): string {
  return named.map(({ name }) => `'${name}'`).join(',');
}

function checkBatchSize(rules: InputRules, inputs: readonly InferInput[], refuse: Refuse): number {
  const [first] = inputs;
  const batchSize = first?.shape[0];
  for (const { name, shape } of inputs) {
    const [rows] = shape;
    if (rows === undefined) {
      return refuse(
        `input '${name}' has no shape but model requires batch dimension for '${rules.modelName}'`,
      );
    }
    if (rows === batchSize) continue;
    refuse(
      `input '${name}' batch size does not match other inputs for '${rules.modelName}': it is ${rows}, ` +
        `that of '${first?.name ?? ''}' is ${batchSize ?? 'missing'}`,
    );
  }
  if (batchSize === undefined) return 1;
  if (batchSize < 1)
    refuse(`inference request batch-size must be >= 1 for '${rules.modelName}', got ${batchSize}`);
  if (batchSize > rules.maxBatchSize) {
    refuse(`inference request batch-size must be <= ${rules.maxBatchSize} for '${rules.modelName}'`);
  }
  return batchSize;
}

function checkInput(rules: InputRules, input: InferInput, data: Uint8Array, refuse: Refuse): Tensor {
  const rule = rules.byName.get(input.name);
  if (rule === undefined) return refuseUnknown(input.name, rules.modelName);
  const { name, datatype, shape } = input;
  if (datatype !== rule.datatype) {
    refuse(
      `inference input '${name}' data-type is '${datatype}', but model '${rules.modelName}' expects '${rule.datatype}'`,
    );
  }
  const batchDims = rules.maxBatchSize > 0 ? 1 : 0;
  if (!fitsDims(shape, rule.dims, batchDims)) {
    const expected = batchDims === 1 ? [-1, ...rule.dims] : rule.dims;
    refuse(
      `unexpected shape for input '${name}' for model '${rules.modelName}'. Expected ${shapeToString(expected)}, ` +
        `got ${shapeToString(shape)}.${batchDims === 1 ? BATCH_NOTE : ' '}`,
    );
  }
  checkByteSize(rules, input, data, refuse);
  return { name, datatype, shape: reshaped(shape, rule, batchDims), data };
}

function fitsDims(shape: readonly number[], dims: readonly number[], batchDims: number): boolean {
  if (shape.length !== dims.length + batchDims) return false;
  for (let at = 0; at < dims.length; at += 1) {
    const found = shape[at + batchDims] ?? -1;
    const expected = dims[at];
    if (found < 0 || (expected !== -1 && expected !== found)) return false;
  }
  return true;
}

function checkByteSize(
  rules: InputRules,
  { name, datatype, shape }: InferInput,
  data: Uint8Array,
  refuse: Refuse,
): void {
  const elements = elementCount(shape);
  if (elements < 0)
    refuse(`shape ${shapeToString(shape)} of input '${name}' for model '${rules.modelName}' is too large`);
  if (datatype === 'BYTES') {
    const { count: found, fault } = countBytesElements(data);
    if (fault !== undefined)
      refuse(describeFault(fault, `inference input '${name}' for model '${rules.modelName}'`));
    if (found === elements) return;
    refuse(
      `expected ${elements} string elements for inference input '${name}' for model '${rules.modelName}', got ${found}`,
    );
  }
  const expected = elements * datatypeByteSize(datatype);
  if (data.byteLength === expected) return;
  refuse(
    `input byte size mismatch for input '${name}' for model '${rules.modelName}'. Expected ${expected}, got ${data.byteLength}`,
  );
}

function describeFault({ kind, expected, available }: BytesTensorFault, where: string): string {
  return kind === 'length'
    ? `incomplete string length indicator for ${where}, expecting ${expected} bytes but only ${available} bytes ` +
        'available. Please make sure the string length indicator is in one buffer.'
    : `incomplete string data for ${where}, expecting string of length ${expected} but only ${available} bytes available`;
}

/** The shape the backend sees: `reshape` instead of `dims`, variable dimensions filled in from the request. */
function reshaped(shape: readonly number[], rule: InputRule, batchDims: number): readonly number[] {
  if (rule.reshape === undefined) return shape;
  const variable = rule.dims.flatMap((dim, at) => (dim === -1 ? [shape[at + batchDims] ?? 0] : []));
  let next = 0;
  const inner = rule.reshape.map((dim) => (dim === -1 ? (variable[next++] ?? 0) : dim));
  return [...shape.slice(0, batchDims), ...inner];
}
