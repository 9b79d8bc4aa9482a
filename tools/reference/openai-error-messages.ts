/** Messages of OpenAI's API. */
import { row, type ErrorMessages } from './error-message.ts';

export const OPENAI_ERROR_MESSAGES: ErrorMessages = {
  "OpenAI's API": [
    row('INVALID_ARG', 'the body is not valid JSON: <reason>', 'the body can not be read', 'send JSON'),
    row(
      'INVALID_ARG',
      'the body must be a JSON object, found <kind>',
      'the body is other JSON',
      'send an object',
    ),
    row(
      'INVALID_ARG',
      "'<field>' must be <kind>, found <value>",
      'a field is missing or of another kind',
      'the reference of fields has an example of each',
    ),
    row(
      'INVALID_ARG',
      "'<field>' must have at most <limit> texts, found <count>",
      'each text may be a request to the model',
      'send several requests',
    ),
    row(
      'NOT_FOUND',
      "model '<model>' has no LoRA adapter '<adapter>': it has <names>",
      'the name behind the separator is no adapter',
      'name one of those told, or the model alone',
    ),
    row(
      'INVALID_ARG',
      "model '<model>' takes no OpenAI requests: it has neither an input 'openai_request' and an output 'openai_response' nor a parameter 'openai_api'",
      'the configuration does not say how the model is to be asked',
      'declare its tensors with openai_api, openai_input and openai_output',
    ),
    row(
      'INVALID_ARG',
      "model '<model>', parameter 'openai_api': expected <values>, found '<value>'",
      'the declaration of a mapped model is wrong; so for the other parameters',
      'correct config.pbtxt',
    ),
    row(
      'INVALID_ARG',
      "model '<model>' does not serve <path>: its parameter 'openai_api' is '<values>'",
      'the model is declared for other endpoints',
      'ask it there, or declare it for this one',
    ),
    row(
      'INVALID_ARG',
      "model '<model>' does not take '<field>': it has no input of that name",
      'a mapped model is asked for what it can not be told',
      'leave the field out, or give the model such an input',
    ),
    row(
      'INVALID_ARG',
      '\'stream_options\' is only for requests with "stream": true',
      'stream options without a stream',
      'leave them out',
    ),
    row(
      'INVALID_ARG',
      "'<field>' is not supported: responses are not stored, and have no services beside the model",
      'a response asks for what only a service with a memory has',
      'send the whole conversation as input',
    ),
    row(
      'INTERNAL',
      "model '<model>': expected one 'openai_response' for a request without \"stream\": true, found <n>",
      'a model of yours answers with pieces, or not at all',
      'answer once when the body asks for no stream',
    ),
    row(
      'INTERNAL',
      "output '<output>': expected vectors for <n> texts, found <n> numbers",
      'the vectors of a mapped model do not fit the texts',
      'answer with a row for each text',
    ),
    row(
      'INTERNAL',
      'the stream of the model ended too early',
      'a response is made of a stream without [DONE]',
      "look at the engine's log",
    ),
  ],
};
