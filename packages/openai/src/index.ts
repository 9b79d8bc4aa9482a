import { defineHttpPlugin } from '@nereid/backend-sdk/http';

/** OpenAI's API below `/v1`. */
export default defineHttpPlugin({
  name: 'openai',
  register() {},
});
