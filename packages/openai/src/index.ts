import { defineHttpPlugin } from '@nereid/backend-sdk/http';
import { registerOpenAi } from './register.ts';

/** OpenAI's API below `/v1`. */
export default defineHttpPlugin({
  name: 'openai',
  settings: {
    'lora-separator': {
      type: 'string',
      default: ':',
      description:
        'stands between the names of a model and of its LoRA adapter; empty: adapters have no names here',
    },
  },
  register: registerOpenAi,
});
