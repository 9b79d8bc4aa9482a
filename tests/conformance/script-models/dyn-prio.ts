/** Answers how many requests it executed before; a negative MS begins to count anew. */
import { setTimeout } from 'node:timers/promises';
import { defineModel } from '@nereid/backend-script';

export default defineModel({
  load() {
    let count = 0;
    return {
      async execute(request) {
        const [ms = 0] = request.input('MS').values('INT32');
        if (ms < 0) count = 0;
        await setTimeout(Math.abs(ms));
        const order = count;
        count += 1;
        return { outputs: { ORDER: order } };
      },
    };
  },
});
