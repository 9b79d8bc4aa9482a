/** The body of a chat → what the user asks. */
import { defineModel, InferenceServerError } from '@nereid/backend-script';

export default defineModel({
  config: {
    input: [{ name: 'BODY', data_type: 'TYPE_STRING', dims: [1] }],
    output: [{ name: 'QUESTION', data_type: 'TYPE_STRING', dims: [1, 1] }],
  },
  execute(request) {
    const [body = ''] = request.input('BODY').toStrings();
    const { messages } = JSON.parse(body) as {
      readonly messages?: readonly { role: string; content: unknown }[];
    };
    const last = messages?.findLast(({ role }) => role === 'user');
    if (typeof last?.content === 'string') return { outputs: { QUESTION: [last.content] } };
    throw new InferenceServerError('INVALID_ARG', "'messages' must have a user's message that is text");
  },
});
