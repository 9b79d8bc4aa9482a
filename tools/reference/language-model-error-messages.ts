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
};
