/**
 * A backend: SCORES in, PROBABILITIES out, both FP32 of the same shape. The model's parameter `temperature` (default
 * 1) makes the probabilities flatter (above 1) or sharper (below).
 */
import {
  collectInputs,
  createTensor,
  defineBackend,
  InferenceServerError,
  readModelParameters,
  splitOutputs,
  tensorView,
  type BackendModelInstance,
  type ModelConfig,
} from '@nereid/backend-sdk';

export default defineBackend({
  name: 'softmax',
  // Never blocks, so it may run on the serving thread; without this line it runs on an executor thread.
  instanceHost: 'in-process',
  createModel: () => ({ createInstance: ({ config }) => createInstance(config) }),
});

function createInstance(config: ModelConfig): BackendModelInstance {
  const { temperature } = readModelParameters(config, {
    temperature: { type: 'number', default: 1, minimum: 0.001 },
  });
  return {
    // The requests that the dynamic batcher put together become one tensor, and its rows their answers.
    execute(requests) {
      const [scores] = collectInputs(requests, config);
      if (scores === undefined) throw new InferenceServerError('INVALID_ARG', `no input for ${config.name}`);
      const rowLength = scores.shape.at(-1) ?? 1;
      const probabilities = softmax(tensorView(scores, 'FP32'), { rowLength, temperature });
      splitOutputs(requests, [createTensor('PROBABILITIES', 'FP32', scores.shape, probabilities)], config);
    },
  };
}

function softmax(
  scores: Float32Array,
  { rowLength, temperature }: { readonly rowLength: number; readonly temperature: number },
): Float32Array {
  const probabilities = new Float32Array(scores.length);
  for (let start = 0; start < scores.length; start += rowLength) {
    const row = scores.subarray(start, start + rowLength);
    const maximum = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = row.map((score) => Math.exp((score - maximum) / temperature));
    const sum = powers.reduce((a, b) => a + b, 0);
    probabilities.set(
      powers.map((power) => power / sum),
      start,
    );
  }
  return probabilities;
}
