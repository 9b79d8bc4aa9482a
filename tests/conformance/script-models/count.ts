/** The sum of its input, and how many requests it has executed. */
import { defineModel } from '@nereid/backend-script';

export default defineModel({
  load() {
    let count = 0;
    return {
      execute(request) {
        count += 1;
        const sum = request
          .input('IN')
          .values('INT32')
          .reduce((total, value) => total + value, 0);
        return { outputs: { SUM: sum, COUNT: count } };
      },
    };
  },
});
