/** Waits until it is cancelled; answers how often that happened. */
import { setTimeout } from 'node:timers/promises';
import { defineModel, InferenceServerError } from '@nereid/backend-script';

export default defineModel({
  load() {
    let cancelled = 0;
    return {
      async execute(request) {
        const [ms = 0] = request.input('MS').values('INT32');
        await setTimeout(ms, undefined, { signal: request.signal }).catch(() => undefined);
        if (!request.isCancelled) return { outputs: { CANCELLED: cancelled } };
        cancelled += 1;
        return new InferenceServerError('CANCELLED', 'stopped');
      },
    };
  },
});
