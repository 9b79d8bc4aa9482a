import type { InferRequestMessage, Parameters, ParameterValue, SequenceFields } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { toParameters, type InferParameter, type InferParameterKind } from './infer-parameter.ts';

/**
 * The parameters that mean something to the server, and under `parameters` the rest, which are for the model.
 */
export interface RequestParameters {
  readonly priority: number;
  readonly timeoutUs: number;
  readonly sequence: SequenceFields | undefined;
  readonly enableEmptyFinalResponse: boolean;
  readonly parameters: Parameters | undefined;
}

const EMPTY_FINAL_RESPONSE = 'triton_enable_empty_final_response';

const NONE: RequestParameters = {
  priority: 0,
  timeoutUs: 0,
  sequence: undefined,
  enableEmptyFinalResponse: false,
  parameters: undefined,
};

/** Sorts out the parameters of a request; INVALID_ARG when one has a wrong kind or a reserved name. */
export function decodeRequestParameters(parameters: readonly InferParameter[]): RequestParameters {
  if (parameters.length === 0) return NONE;
  const custom: InferParameter[] = [];
  const known = { ...NONE, sequence: decodeSequence(parameters) };
  for (const parameter of parameters) {
    switch (parameter.name) {
      case 'sequence_id':
      case 'sequence_start':
      case 'sequence_end':
        break;
      case 'priority':
        known.priority = decodePriority(parameter);
        break;
      case 'timeout':
        expectKind(parameter, ['int64_param']);
        known.timeoutUs = toUnsigned(parameter.value);
        break;
      case EMPTY_FINAL_RESPONSE:
        known.enableEmptyFinalResponse = decodeFlag(parameter);
        break;
      default:
        custom.push(expectCustom(parameter));
    }
  }
  return { ...known, parameters: toParameters(custom) };
}

function decodeSequence(parameters: readonly InferParameter[]): SequenceFields | undefined {
  let found = false;
  let id: SequenceFields['id'] = 0;
  let start = false;
  let end = false;
  for (const parameter of parameters) {
    if (parameter.name === 'sequence_id') id = decodeSequenceId(parameter);
    else if (parameter.name === 'sequence_start') start = decodeFlag(parameter);
    else if (parameter.name === 'sequence_end') end = decodeFlag(parameter);
    else continue;
    found = true;
  }
  return found ? { id, start, end } : undefined;
}

function decodeSequenceId(parameter: InferParameter): SequenceFields['id'] {
  expectKind(parameter, ['int64_param', 'string_param']);
  const { value } = parameter;
  if (typeof value === 'boolean') return 0;
  // Correlation ids are unsigned; the field that carries them is not.
  return typeof value !== 'string' && value < 0 ? BigInt.asUintN(64, BigInt(value)) : value;
}

function decodeFlag(parameter: InferParameter): boolean {
  expectKind(parameter, ['bool_param']);
  return parameter.value === true;
}

function decodePriority(parameter: InferParameter): number {
  expectKind(parameter, ['int64_param', 'uint64_param']);
  if (Number(parameter.value) < 0) throw invalidArg("invalid value for 'priority', expected value >= 0.");
  return toUnsigned(parameter.value);
}

/** Triton takes a negative number as a huge unsigned one; here that is the largest safe integer. */
function toUnsigned(value: ParameterValue): number {
  const number = Number(value);
  return number < 0 ? Number.MAX_SAFE_INTEGER : Math.min(number, Number.MAX_SAFE_INTEGER);
}

function expectKind(parameter: InferParameter, kinds: readonly InferParameterKind[]): void {
  if (kinds.includes(parameter.kind)) return;
  throw invalidArg(`invalid value type for '${parameter.name}' parameter, expected ${kinds.join(' or ')}.`);
}

function expectCustom(parameter: InferParameter): InferParameter {
  if (parameter.name.startsWith('triton_')) {
    throw invalidArg(
      `parameter keys starting with 'triton_' are reserved for Triton usage. Only the following keys starting with 'triton_' are allowed: ${EMPTY_FINAL_RESPONSE}`,
    );
  }
  if (parameter.kind === 'uint64_param' || parameter.kind === 'none') {
    throw invalidArg(
      `invalid value type for '${parameter.name}' parameter, expected int64_param, bool_param, or string_param.`,
    );
  }
  return parameter;
}

function invalidArg(message: string): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', message);
}

/**
 * The parameters of a request as they go on the wire, the server's own among them; undefined when there are
 * none.
 */
export function toWireParameters(message: InferRequestMessage): Parameters | undefined {
  const { sequence, priority, timeoutUs, parameters, enableEmptyFinalResponse } = message;
  const wire: Record<string, ParameterValue> = { ...parameters };
  if (sequence !== undefined) {
    wire['sequence_id'] = typeof sequence.id === 'bigint' ? BigInt.asIntN(64, sequence.id) : sequence.id;
    wire['sequence_start'] = sequence.start;
    wire['sequence_end'] = sequence.end;
  }
  if (priority !== 0) wire['priority'] = priority;
  if (timeoutUs !== 0) wire['timeout'] = timeoutUs;
  if (enableEmptyFinalResponse === true) wire[EMPTY_FINAL_RESPONSE] = true;
  return wire;
}
