/** A response for each word; the word `fail` is refused. */
import { defineModel, InferenceServerError } from '@nereid/backend-script';

export default defineModel({
  *execute(request) {
    const [text = ''] = request.input('text_input').toStrings();
    const words = text.split(/\s+/).filter((word) => word !== '');
    for (const [index, word] of words.entries()) {
      if (word === 'fail') yield new InferenceServerError('INTERNAL', 'word refused');
      else yield { outputs: { text_output: word, index } };
    }
  },
});
