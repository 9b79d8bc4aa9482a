/** Every kind of message that the server answers with. A test looks each of them up in the sources. */
import type { ErrorMessages } from './error-message.ts';
import { ENGINE_ERROR_MESSAGES } from './engine-error-messages.ts';
import { HTTP_ERROR_MESSAGES } from './http-error-messages.ts';
import { LANGUAGE_MODEL_ERROR_MESSAGES } from './language-model-error-messages.ts';
import { MODEL_ERROR_MESSAGES } from './model-error-messages.ts';
import { OPENAI_ERROR_MESSAGES } from './openai-error-messages.ts';
import { SERVER_ERROR_MESSAGES } from './server-error-messages.ts';

export const ERROR_MESSAGES: ErrorMessages = {
  ...HTTP_ERROR_MESSAGES,
  ...SERVER_ERROR_MESSAGES,
  ...MODEL_ERROR_MESSAGES,
  ...LANGUAGE_MODEL_ERROR_MESSAGES,
  ...ENGINE_ERROR_MESSAGES,
  ...OPENAI_ERROR_MESSAGES,
};
