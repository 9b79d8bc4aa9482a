/** Its text, repeated; the text `fail` is refused. */
import { defineModel, InferenceServerError } from '@nereid/backend-script';

export default defineModel({
  execute(request) {
    const [text = ''] = request.input('text_input').toStrings();
    const [repeat = 1] = request.optionalInput('repeat')?.values('INT32') ?? [];
    if (text === 'fail') return new InferenceServerError('INTERNAL', 'text refused');
    return { outputs: { text_output: Array.from({ length: repeat }, () => text).join(' ') } };
  },
});
