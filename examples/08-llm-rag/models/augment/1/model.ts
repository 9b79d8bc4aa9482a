/** The body of a chat and passages → the body with the passages before its messages. */
import { defineModel } from '@nereid/backend-script';

interface ChatBody {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

export default defineModel({
  config: {
    input: [
      { name: 'BODY', data_type: 'TYPE_STRING', dims: [1] },
      { name: 'PASSAGES', data_type: 'TYPE_STRING', dims: [1, -1] },
    ],
    output: [{ name: 'AUGMENTED', data_type: 'TYPE_STRING', dims: [1] }],
  },
  execute(request) {
    const [body = ''] = request.input('BODY').toStrings();
    const chat = JSON.parse(body) as ChatBody;
    const passages = request.input('PASSAGES').toStrings().join('\n\n');
    const content = `Answer from these passages of the manual.\n\n${passages}`;
    const messages = [{ role: 'system', content }, ...chat.messages];
    return { outputs: { AUGMENTED: [JSON.stringify({ ...chat, messages })] } };
  },
});
