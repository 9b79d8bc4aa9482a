/** A response for each element; -1 and -2 are refused. */
import { defineModel, InferenceServerError } from '@nereid/backend-script';

export default defineModel({
  *execute(request) {
    for (const value of request.input('IN').values('INT32')) {
      if (value === -1) yield new InferenceServerError('INTERNAL', 'refused element');
      else if (value === -2) yield new InferenceServerError('NOT_FOUND', 'no such element');
      else yield { outputs: { OUT: value } };
    }
  },
});
