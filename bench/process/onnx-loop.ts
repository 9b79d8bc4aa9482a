import { fileURLToPath } from 'node:url';
import type { LoadResult } from '../load/load.ts';
import type { Contender } from '../measure/alternate.ts';
import { splitOwnCores } from './pinned-cores.ts';
import { runTool } from '../tool/run-tool.ts';

const LOOP = fileURLToPath(new URL('../baselines/onnx-loop.ts', import.meta.url));
const START_SECONDS = 60;

/**
 * ONNX Runtime in a bare loop, in a process of its own that ends when nobody asks.
 *
 * @param path - Of a `model.onnx` with an FP32 input X.
 * @param shape - Of X, the batch first.
 */
export function onnxLoop(path: string, shape: readonly number[]): Contender {
  const node = { path: process.execPath, environment: {} };
  return {
    name: `ONNX Runtime alone, batch of ${shape[0]}`,
    load: async (seconds) => {
      const options = { timeoutSeconds: seconds + START_SECONDS, cores: splitOwnCores()?.servers };
      const output = await runTool(node, [LOOP, path, shape.join(','), String(seconds)], options);
      return JSON.parse(output) as LoadResult;
    },
  };
}
