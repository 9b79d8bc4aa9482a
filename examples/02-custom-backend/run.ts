/** Asks the model of this example once, without a network. `nereid serve` serves it: see README.md. */
import { fileURLToPath } from 'node:url';
import { createServer } from '@nereid/core';
import { createTensor, tensorView } from '@nereid/backend-sdk';

await using server = await createServer({
  modelRepository: [fileURLToPath(new URL('./models', import.meta.url))],
  // A folder of backend packages: `examples`, of which this is one.
  backendDirectory: [fileURLToPath(new URL('..', import.meta.url))],
  logInfo: false,
});
const scores = createTensor('SCORES', 'FP32', [1, 3], Float32Array.of(1, 2, 3));
const { outputs } = await server.infer({ modelName: 'softmax', inputs: [scores] });
for (const output of outputs) {
  const values = Array.from(tensorView(output, 'FP32'), (value) => value.toFixed(4));
  process.stdout.write(`${output.name}: ${values.join(' ')}\n`);
}
