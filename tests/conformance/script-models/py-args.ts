/** What an instance is told of itself, and how many requests it executed before. */
import { defineModel } from '@nereid/backend-script';
import { pythonJson } from './python-json.ts';

export default defineModel({
  load({ modelName, modelVersion, instanceKind, instanceName, config, parameters }) {
    const about = {
      name: modelName,
      version: modelVersion,
      kind: instanceKind.replace('KIND_', ''),
      instance: instanceName,
      max_batch_size: config.max_batch_size,
      greeting: parameters['greeting'],
    };
    let runs = 0;
    return {
      execute() {
        const text = pythonJson({ ...about, runs_before: runs });
        runs += 1;
        return { outputs: { OUT: text } };
      },
    };
  },
});
