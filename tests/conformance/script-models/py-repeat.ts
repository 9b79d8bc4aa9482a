/** A response for each element. */
import { setTimeout } from 'node:timers/promises';
import { defineModel } from '@nereid/backend-script';

export default defineModel({
  async *execute(request) {
    const [delay = 0] = request.optionalInput('DELAY')?.values('UINT32') ?? [];
    for (const [index, value] of request.input('IN').values('INT32').entries()) {
      if (delay > 0) await setTimeout(delay);
      yield { outputs: { OUT: value, IDX: index } };
    }
  },
});
