/**
 * Returns its inputs: OUTPUT_i is INPUT_i, paired by the order in the configuration. Its parameters make it slow on
 * purpose, for tests: `execute_delay_ms`, `instance_wise_delay_multiplier`, `creation_delay_sec`.
 */
import { setTimeout } from 'node:timers/promises';
import {
  defineBackend,
  InferenceServerError,
  readModelParameters,
  warnOfUnknownParameters,
  type BackendModelInstance,
  type BackendRequest,
  type ModelConfig,
  type Parameters,
  type Tensor,
} from '@nereid/backend-sdk';

/** Every response carries these, to show how a backend sends parameters. */
const RESPONSE_PARAMETERS: Parameters = Object.freeze({
  param0: 'an example string parameter',
  param1: 42,
  param2: false,
  param3: 123.123,
});

const DELAYS = {
  creation_delay_sec: { type: 'number', default: 0, minimum: 0 },
  execute_delay_ms: { type: 'number', default: 0, minimum: 0 },
  instance_wise_delay_multiplier: { type: 'number', default: 0, minimum: 0 },
} as const;

export const identityBackend = defineBackend({
  name: 'identity',
  instanceHost: 'in-process',
  settings: {},

  async createModel(context) {
    const { config } = context;
    const delays = readModelParameters(config, DELAYS);
    warnOfUnknownParameters(context, config, Object.keys(DELAYS));
    if (delays.creation_delay_sec > 0) await setTimeout(delays.creation_delay_sec * 1000);
    let instances = 0;
    return {
      validateConfig,
      createInstance(instance) {
        // The multiplier counts instances from 0, but never shortens the delay.
        const factor = Math.max(1, delays.instance_wise_delay_multiplier * instances);
        instances += 1;
        return createInstance(instance.config, delays.execute_delay_ms * factor);
      },
    };
  },
});

function createInstance(config: ModelConfig, delayMs: number): BackendModelInstance {
  const outputOf = new Map(config.input.map((input, index) => [input.name, config.output[index]?.name]));
  const answerAll = (requests: readonly BackendRequest[]): void => {
    for (const request of requests) {
      const outputs = outputsOf(request, outputOf);
      request.send({ outputs, parameters: RESPONSE_PARAMETERS, spent: request.inputs });
    }
  };
  if (delayMs === 0) return { execute: answerAll };
  return { execute: (requests) => setTimeout(delayMs).then(() => answerAll(requests)) };
}

function outputsOf(request: BackendRequest, outputOf: ReadonlyMap<string, string | undefined>): Tensor[] {
  const outputs: Tensor[] = [];
  for (const { name: input, datatype, shape, data } of request.inputs) {
    const name = outputOf.get(input);
    if (name !== undefined && request.wants(name)) outputs.push({ name, datatype, shape, data });
  }
  return outputs;
}

/** Every output needs an input of the same datatype and dimensions at its place. */
function validateConfig({ name, input, output }: ModelConfig): void {
  for (const [index, { name: target, data_type: dataType, dims }] of output.entries()) {
    const source = input[index];
    const expected = `${dataType} [${dims.join(',')}]`;
    const found = source === undefined ? 'no input' : `${source.data_type} [${source.dims.join(',')}]`;
    if (expected === found) continue;
    throw new InferenceServerError(
      'INVALID_ARG',
      `model '${name}': output '${target}' is ${expected}, expected the same of the input at its place, found ${found}`,
    );
  }
}
