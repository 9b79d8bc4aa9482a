/** Three times its input; says its whole configuration itself. */
import { defineModel } from '@nereid/backend-script';

export default defineModel({
  config: {
    max_batch_size: 4,
    input: [{ name: 'IN', data_type: 'TYPE_INT32', dims: [2] }],
    output: [{ name: 'OUT', data_type: 'TYPE_INT32', dims: [2] }],
    dynamic_batching: {},
  },
  execute: (request) => ({
    outputs: {
      OUT: request
        .input('IN')
        .values('INT32')
        .map((value) => value * 3),
    },
  }),
});
