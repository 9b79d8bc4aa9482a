/** A server inside a program: no port is opened, tensors go in and out by reference. */
import { fileURLToPath } from 'node:url';
import { createServer } from '@nereid/core';
import { createTensor, tensorView } from '@nereid/backend-sdk';

await using server = await createServer({
  modelRepository: [fileURLToPath(new URL('../models', import.meta.url))],
  modelControlMode: 'explicit',
  loadModel: ['identity'],
  logInfo: false,
});

// Sixteen requests at once: the dynamic batcher of the model puts them together.
const answers = await Promise.all(
  Array.from({ length: 16 }, async (_, index) => {
    const input = createTensor('INPUT0', 'FP32', [1, 1], Float32Array.of(index));
    const { outputs } = await server.infer({ modelName: 'identity', inputs: [input] });
    return outputs[0] === undefined ? Number.NaN : tensorView(outputs[0], 'FP32')[0];
  }),
);
process.stdout.write(`answers: ${answers.join(' ')}\n`);

const [statistics] = server.management.statistics('identity', '');
process.stdout.write(
  `${statistics?.inference_count} inferences in ${statistics?.execution_count} executions\n`,
);
