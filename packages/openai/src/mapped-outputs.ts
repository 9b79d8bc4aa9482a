/** The tensors of a model that is mapped → what an answer says. */
import { tensorView } from '@nereid/backend-sdk';
import type { PluginResponse } from '@nereid/backend-sdk/http';
import { decodeStringTensor, InferenceServerError, type Tensor } from '@nereid/protocol';
import { FINISH_REASON, INPUT_TOKENS, OUTPUT_TOKENS } from './mapped-inputs.ts';

/** Tokens of a request and its answer. */
export interface TokenUsage {
  readonly prompt: number;
  readonly completion: number;
}

/** The text of an output, all elements one after another; '' when the response has none. */
export function textOf(response: PluginResponse, output: string): string {
  const tensor = find(response, output);
  return tensor === undefined ? '' : decodeStringTensor(tensor.data).join('');
}

/** Why the text ends, when the response says so. */
export function finishReasonOf(response: PluginResponse): string | undefined {
  const tensor = find(response, FINISH_REASON);
  const text = tensor?.datatype === 'BYTES' ? decodeStringTensor(tensor.data)[0] : undefined;
  const reason = text ?? response.parameters?.[FINISH_REASON];
  // As Python writes a reason that is not there yet.
  return reason === undefined || reason === '' || reason === 'None' ? undefined : String(reason);
}

/** Adds the tokens that a response tells of: prompts once, new tokens each time. */
export function addUsage(usage: TokenUsage, response: PluginResponse): TokenUsage {
  const { parameters } = response;
  const prompt = countOf(find(response, INPUT_TOKENS)) ?? numberOf(parameters?.['prompt_tokens']);
  const added = countOf(find(response, OUTPUT_TOKENS));
  const completion =
    added === undefined ? numberOf(parameters?.['completion_tokens']) : usage.completion + added;
  return {
    prompt: Math.max(usage.prompt, prompt ?? 0),
    completion: Math.max(usage.completion, completion ?? 0),
  };
}

/**
 * The rows of an output as vectors of FP32.
 *
 * @throws InferenceServerError INTERNAL when the output is missing or has another number of rows.
 */
export function vectorsOf(response: PluginResponse, output: string, rows: number): readonly Float32Array[] {
  const tensor = find(response, output);
  const numbers = tensor === undefined ? new Float32Array(0) : toFloats(tensor);
  const size = numbers.length / rows;
  if (size === 0 || !Number.isInteger(size)) {
    throw new InferenceServerError(
      'INTERNAL',
      `output '${output}': expected vectors for ${rows} texts, found ${numbers.length} numbers`,
    );
  }
  return Array.from({ length: rows }, (_, row) => numbers.subarray(row * size, (row + 1) * size));
}

function toFloats(tensor: Tensor): Float32Array {
  if (tensor.datatype === 'FP16') return Float32Array.from(tensorView(tensor, 'FP16'), fromHalf);
  return tensor.datatype === 'FP64'
    ? Float32Array.from(tensorView(tensor, 'FP64'))
    : tensorView(tensor, 'FP32');
}

/** The number whose IEEE half-precision bits these are. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function find({ outputs }: PluginResponse, name: string): Tensor | undefined {
  return outputs.find((output) => output.name === name);
}

function countOf(tensor: Tensor | undefined): number | undefined {
  if (tensor === undefined || tensor.datatype === 'BYTES') return undefined;
  return Number(tensorView(tensor)[0]);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}
