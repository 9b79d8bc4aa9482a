/** Its input. */
import { defineModel } from '@nereid/backend-script';

export default defineModel({
  execute: (request) => ({ outputs: { OUTPUT0: request.input('INPUT0') } }),
});
