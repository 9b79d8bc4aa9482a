/**
 * Language models on engines that speak OpenAI's API: vLLM and others, started by the server or running elsewhere. See
 * docs/user-guide/vllm-backend.md.
 */
import { defineBackend } from '@nereid/backend-sdk';
import { VLLM_SETTINGS } from './engine-parameters.ts';

/** Imports nothing heavy: every start imports it, whether a model wants it or not. */
export default defineBackend({
  name: 'vllm',
  // It moves bytes between sockets and never computes: a hop to a thread would cost more than its work.
  instanceHost: 'in-process',
  settings: VLLM_SETTINGS,
  createModel: async (context) => {
    const { createVllmModel } = await import('./vllm-model.ts');
    return createVllmModel(context);
  },
});
