/** The body of a chat with pictures → the body with what is written on them, for a language model that can't see. */
import { defineModel, InferenceServerError, type CalledModels } from '@nereid/backend-script';
import { decodePicture } from '../../../../first-run/picture.ts';

interface Part {
  readonly type: string;
  readonly text?: string;
  readonly image_url?: { readonly url: string };
}

interface Message {
  readonly role: string;
  readonly content: string | readonly Part[];
}

const PNG = /^data:image\/png;base64,/;

export default defineModel({
  config: {
    input: [{ name: 'BODY', data_type: 'TYPE_STRING', dims: [1] }],
    output: [{ name: 'READ', data_type: 'TYPE_STRING', dims: [1] }],
  },
  async execute(request, models) {
    const [body = ''] = request.input('BODY').toStrings();
    const chat = JSON.parse(body) as { readonly messages?: readonly Message[] };
    const messages = await Promise.all((chat.messages ?? []).map((message) => describe(message, models)));
    return { outputs: { READ: [JSON.stringify({ ...chat, messages })] } };
  },
});

/** A message whose pictures became text. */
async function describe(message: Message, models: CalledModels): Promise<Message> {
  if (typeof message.content === 'string') return message;
  const texts = await Promise.all(message.content.map((part) => describePart(part, models)));
  return { ...message, content: texts.join('\n') };
}

async function describePart(
  { type, text, image_url: image }: Part,
  { infer }: CalledModels,
): Promise<string> {
  if (type === 'text' && text !== undefined) return text;
  const url = image?.url ?? '';
  if (!PNG.test(url)) {
    throw new InferenceServerError(
      'INVALID_ARG',
      "parts must be text, or pictures as 'data:image/png;base64,…'",
    );
  }
  const { width, height, pixels } = decodePicture(Buffer.from(url.replace(PNG, ''), 'base64'));
  const read = await infer({
    model: 'ocr',
    inputs: { IMAGE: { shape: [height, width, 3], values: pixels } },
    outputs: ['LINES'],
  });
  return `The picture reads: ${read.output('LINES').toStrings().join(', ')}.`;
}
