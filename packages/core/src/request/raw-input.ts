import { datatypeByteSize, encodeBytesTensor, InferenceServerError, type InferInput } from '@nereid/protocol';
import { requestIdPrefix } from './inference-request.ts';
import type { InputRules } from './input-rules.ts';

/**
 * The input of a raw-binary request: the whole body is the model's only input, whose shape is worked out from
 * the number of bytes (HTTP-32). The batch size is 1.
 *
 * @throws InferenceServerError INVALID_ARG when the shape can't be worked out.
 */
export function resolveRawInput(rules: InputRules, id: string, body: Uint8Array): InferInput {
  const refuse = (message: string): never => {
    throw new InferenceServerError('INVALID_ARG', requestIdPrefix(id) + message);
  };
  const [rule] = rules.inputs;
  if (rule === undefined || rules.inputs.length !== 1) {
    return refuse(
      `Raw request must only have 1 input (found 1) to be deduced but got ${rules.inputs.length} inputs in ` +
        `'${rules.modelName}' model configuration`,
    );
  }
  const batch = rules.maxBatchSize > 0 ? [1] : [];
  if (rule.datatype === 'BYTES') {
    if (rule.dims.length !== 1 || rule.dims[0] !== 1) {
      refuse(`For BYTE datatype raw input '${rule.name}', the model must have input shape [1]`);
    }
    return { name: rule.name, datatype: 'BYTES', shape: [...batch, 1], data: encodeBytesTensor([body]) };
  }
  const variable = rule.dims.filter((dim) => dim === -1).length;
  if (variable > 1) {
    refuse(
      `The shape of the raw input '${rule.name}' can not be deduced because there are more than one ` +
        'variable-sized dimension',
    );
  }
  const fixed = rule.dims.reduce(
    (product, dim) => (dim === -1 ? product : product * dim),
    datatypeByteSize(rule.datatype),
  );
  if (variable === 1 && body.byteLength % fixed !== 0) {
    refuse(
      `The shape of the raw input '${rule.name}' can not be deduced: its ${body.byteLength} bytes are no multiple ` +
        `of ${fixed}, the bytes of one step of its variable-sized dimension`,
    );
  }
  const shape = rule.dims.map((dim) => (dim === -1 ? body.byteLength / fixed : dim));
  return { name: rule.name, datatype: rule.datatype, shape: [...batch, ...shape], data: body };
}
