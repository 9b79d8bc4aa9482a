import { defineBackend, InferenceServerError } from '@nereid/backend-sdk';

/** Imports nothing heavy: every start imports it, whether a model wants it or not. */
export default defineBackend({
  name: 'vllm',
  instanceHost: 'in-process',
  createModel: ({ modelName }) => {
    throw new InferenceServerError('UNSUPPORTED', `model '${modelName}': backend 'vllm' has no engines yet`);
  },
});
