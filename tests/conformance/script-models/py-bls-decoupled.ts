/** Sum and number of the responses of a decoupled model. */
import { defineModel } from '@nereid/backend-script';

export default defineModel({
  async execute(request, { stream }) {
    let sum = 0;
    let count = 0;
    for await (const response of stream({
      model: 'py_repeat',
      inputs: { IN: request.input('IN') },
      outputs: ['OUT'],
    })) {
      sum += response.output('OUT').values('INT32')[0] ?? 0;
      count += 1;
    }
    return { outputs: { SUM: sum, COUNT: count } };
  },
});
