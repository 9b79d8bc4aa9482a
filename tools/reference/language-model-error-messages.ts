/** Messages about language models, their engines, and plugins of the HTTP endpoint. */
import { row, type ErrorMessages } from './error-message.ts';

/** By what they are about. */
export const LANGUAGE_MODEL_ERROR_MESSAGES: ErrorMessages = {
  'Plugins of the HTTP endpoint': [
    row(
      'INVALID_ARG',
      "--http-plugin-config=<plugin>,…: no installed package provides HTTP plugin '<plugin>'",
      'a setting of a plugin that was not found',
      'install its package, or name its folder with `--backend-directory`',
    ),
    row(
      'INVALID_ARG',
      "HTTP plugin '<plugin>' has no setting '<setting>'",
      '`--http-plugin-config` names another setting than the plugin has',
      'take one of those that are named; `nereid backends` lists them',
    ),
    row(
      'INVALID_ARG',
      'HTTP plugin module <path> has no plugin as its default export',
      'the module exports something else',
      'export what `defineHttpPlugin` gives as the default',
    ),
    row(
      'INTERNAL',
      "HTTP plugin module <path> can't be loaded: <reason>",
      'the module throws, or needs a package that is not there',
      'see its reason',
    ),
  ],
  'Requests of language models': [
    row(
      'INVALID_ARG',
      "input 'text_input' is missing, and 'openai_request', too",
      'a request with neither',
      'give one of them',
    ),
    row(
      'INVALID_ARG',
      "expected one of the inputs 'text_input' and 'openai_request', found both",
      'a request with both',
      'give one of them',
    ),
    row(
      'INVALID_ARG',
      'Error generating stream: When streaming, `exclude_input_in_output` = False is not allowed.',
      'as in Triton: a stream has new text only',
      'leave `exclude_input_in_output` out',
    ),
    row(
      'INVALID_ARG',
      "sampling parameter '<name>' is unknown",
      'no engine of this preset would know it; request parameters are sampling parameters, too',
      'take the name that is suggested; the parameter `ignore_parameters` of the model names those that are not for the engine',
    ),
    row(
      'INVALID_ARG',
      "sampling parameter '<name>' is not one of the engine's (preset '<preset>')",
      'vLLM takes it, this engine does not',
      'leave it out',
    ),
    row(
      'INVALID_ARG',
      "sampling parameter '<name>' can't be given: <reason>",
      'no request over HTTP can say it',
      'leave it out',
    ),
    row(
      'INVALID_ARG',
      "sampling parameter '<name>': expected <kind>, found '<value>'",
      'a text that stands for no such value',
      'correct it',
    ),
    row(
      'INVALID_ARG',
      "input 'sampling_parameters': expected a JSON object, found <text>",
      'it is no JSON, or something else',
      'send an object as text',
    ),
    row(
      'INVALID_ARG',
      'LoRA <name> is not supported, we currently support [<names>]',
      'as in Triton: `lora_name` is not in `multi_lora.json`',
      'take one of those',
    ),
    row(
      'INVALID_ARG',
      'LoRA feature is not enabled.',
      'as in Triton: the model has no `multi_lora.json`, or `enable_lora` is not true',
      'leave `lora_name` out',
    ),
    row(
      'INVALID_ARG',
      "input 'image': expected a base64-encoded PNG, JPEG, GIF, WebP, BMP or TIFF, found '<beginning>'",
      'the first bytes are of no such format',
      'send base64, or a data URL',
    ),
    row(
      'INVALID_ARG',
      "input 'openai_request': expected a JSON object, found '<beginning>'",
      'the body is something else',
      "send a body of OpenAI's API",
    ),
    row(
      'INVALID_ARG',
      "parameter 'openai_path': expected one of <paths>, found '<path>'",
      'the engines have no such endpoint',
      'take one of those',
    ),
    row(
      'UNAVAILABLE',
      'engine <address> could not be reached: <reason>',
      'no engine of the model can be reached',
      "see whether it runs; the model's readiness tells, too",
    ),
    row(
      'INTERNAL',
      'engine <address> broke off the connection: <reason>',
      'the engine ended amid an answer',
      'see its log; the request may be sent again',
    ),
    row(
      'INTERNAL',
      'engine <address> sent what is no answer of HTTP/1.1: <reason>',
      'another kind of server listens there, or the engine is broken',
      'see whether the URL is right',
    ),
    row('INTERNAL', 'engine <address> answered HTTP <status>', 'its error has no message', 'see its log'),
    row(
      'INTERNAL',
      "engine <address> refused the server's key (HTTP <status>)",
      '`engine_key_file` or `engine_key_env` has another key than the engine',
      'correct it; a key file is read again',
    ),
    row(
      'INTERNAL',
      "expected a completion as JSON from the engine, found '<text>'",
      'the engine sends something else',
      'see whether the preset is that of the engine',
    ),
    row(
      'INTERNAL',
      "the engine's answer has no 'choices': <answer>",
      'the engine sends something else',
      'see whether the preset is that of the engine',
    ),
    row(
      'INTERNAL',
      'the engine ended the stream before the completion was finished',
      'neither a finish reason nor `[DONE]` came',
      "see the engine's log",
    ),
    row(
      'INTERNAL',
      'the engine ended the stream before [DONE]',
      "the same, of a request of OpenAI's API",
      "see the engine's log",
    ),
  ],
};
