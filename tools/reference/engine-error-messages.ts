/** Messages about the engines of language models. */
import { row, type ErrorMessages } from './error-message.ts';

/** By what they are about. */
export const ENGINE_ERROR_MESSAGES: ErrorMessages = {
  'Engines of language models': [
    row(
      'INVALID_ARG',
      "expected model.json, or parameter 'engine_url', found <what>",
      'the version has no model.json, and no engine elsewhere is named',
      'write one, or name the engine',
    ),
    row(
      'INVALID_ARG',
      "engine argument '<name>' is unknown to <engine>",
      'model.json has an argument that the engine does not know; others of another type are told as such, and all at once',
      'take the name that is suggested; a setting of the server is a parameter of config.pbtxt',
    ),
    row(
      'INVALID_ARG',
      "parameter 'engine': expected one of <engines>, found '<name>'",
      'there is no such kind of engine',
      'take one of those; any that speaks the API of OpenAI is `openai`',
    ),
    row(
      'INVALID_ARG',
      "engine '<name>' is not started by the server, give its 'engine_url'",
      'it runs in a container, or elsewhere',
      'start it, and name its URL',
    ),
    row(
      'INVALID_ARG',
      "'engine_url': expected http:// or https:// URLs without user, password and query, separated by commas, found '<text>'",
      'a URL of an engine is none',
      'write it as `http://host:port`; keys go to `engine_key_file`',
    ),
    row(
      'INVALID_ARG',
      '<where> gives no key for the engine: <reason>',
      'the file or the environment variable is not there, or empty',
      'put the key there',
    ),
    row(
      'INVALID_ARG',
      'KIND_GPU is currently for single GPU execution, expected tensor_parallel_size × pipeline_parallel_size of 1, found <n>; use KIND_MODEL',
      'as in Triton: an instance of this kind has one GPU',
      'have `kind: KIND_MODEL` leave GPUs to the engine',
    ),
    row(
      'UNAVAILABLE',
      "the engine of model '<model>' <what happened>",
      'it ended, or was not ready in time; its own reason follows',
      'see the lines of the engine with `--log-verbose=1`',
    ),
    row(
      'UNAVAILABLE',
      "model '<model>' has <n> requests of about <n> tokens waiting and takes no more of this client, try again in <n> s",
      'more than the engines and the queue take; HTTP answers 429 with `Retry-After`',
      'try again when it says; `max_queue_requests` and `max_queue_tokens` are the limits',
    ),
    row(
      'UNAVAILABLE',
      "model '<model>' has no engine that can serve: <reason>",
      'all engines are away, and none came within 30 s',
      'see the reason; an engine of the server is started again by itself',
    ),
    row(
      'UNAVAILABLE',
      "model '<model>' had no place for it before its time was over",
      'the timeout of the request passed while it waited for an engine',
      'give it more time, or add engines',
    ),
  ],
};
