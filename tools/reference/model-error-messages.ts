/** Messages about the loading of models. */
import { row, type ErrorMessages } from './error-message.ts';

/** By what they are about. */
export const MODEL_ERROR_MESSAGES: ErrorMessages = {
  'Loading models': [
    row(
      'UNAVAILABLE',
      'explicit model load / unload is not allowed if polling is enabled',
      'mode `poll`',
      'use `--model-control-mode=explicit`',
    ),
    row(
      'INTERNAL',
      "failed to load '<model>', failed to poll from model repository",
      'no such folder',
      'check the name',
    ),
    row(
      'INVALID_ARG',
      "load failed for model '<model>': <reason>",
      'the model cannot be loaded',
      'see the reason',
    ),
    row(
      'INTERNAL',
      "failed to load model '<model>': <reason>",
      'at the start',
      'see the reason, or `--exit-on-error=false`',
    ),
    row(
      'INVALID_ARG',
      "a load request for model '<model>' with files must have a 'config', too",
      'files without a configuration',
      'send both',
    ),
    row(
      'INVALID_ARG',
      "model name '<model>' is not a valid name of a folder in the repository",
      'a path as name',
      'name a folder',
    ),
    row(
      'INVALID_ARG',
      "load parameter '<name>' is not valid base64",
      'a file of a load over HTTP',
      'encode it',
    ),
    row(
      'INTERNAL',
      "unrecognized load parameter '<name>'.",
      'over HTTP; INVALID_ARG over gRPC',
      'send `config` and `file:<path>`',
    ),
    row(
      'UNSUPPORTED',
      "'repository_name' specification is not supported",
      'a load that names a repository',
      'leave it out',
    ),
    row(
      'UNAVAILABLE',
      "model repository '<folder>' can't be read: <reason>",
      'the folder is not there or closed',
      'check the path',
    ),
    row(
      'INVALID_ARG',
      "at least one version must be available under the version policy of model '<model>'",
      'no version folder, or none selected',
      'add one',
    ),
    row(
      'INVALID_ARG',
      "unable to find backend '<backend>': no installed package provides it",
      'the backend is not installed',
      'install its package, or use `--backend-directory`',
    ),
    row(
      'INTERNAL',
      "backend module <file> can't be loaded: <reason>",
      'the package of a backend is broken',
      'install it anew',
    ),
    row(
      'INVALID_ARG',
      "could not determine backend for model '<model>' with no backend in model configuration",
      'neither `backend` nor a file tells',
      'set `backend`',
    ),
    row(
      'INTERNAL',
      'failed to stat file <file>',
      'no model file in the version folder',
      'see `default_model_filename`',
    ),
    row(
      'INVALID_ARG',
      "ensemble '<model>' depends on '<model>' which has no loaded version",
      'a model of the ensemble is not ready',
      'load that one',
    ),
    row(
      'INVALID_ARG',
      "ensemble '<model>' depends on '<model>' whose required version <version> is not loaded",
      'a step names a version that is not served',
      'take one that is, or -1 for the latest',
    ),
    row(
      'INVALID_ARG',
      "load failed for model '<model>': circular dependency between ensembles",
      'ensembles that contain each other',
      'break the circle',
    ),
    row('INVALID_ARG', 'in ensemble <model>, <reason>', 'models that do not fit together', 'see the reason'),
    row(
      'INVALID_ARG',
      'Resource count for "<resource>" is limited to <n> which will prevent scheduling of instance \'<instance>\', the minimum required count is <n>',
      'with `--rate-limit=execution_count`: less of a resource than an instance needs',
      'raise it with `--rate-limit-resource`',
    ),
    row(
      'INVALID_ARG',
      'Resource "<resource>" is present as both global and device-specific resource in the model configuration',
      'two instances, of one model or of several, mean different things by one name',
      'name one of them otherwise',
    ),
    row(
      'UNAVAILABLE',
      'Server not ready',
      'a load, an unload, metadata or the index, while the server is told to stop',
      'ask another one',
    ),
  ],
  'Model configuration': [
    row(
      'INVALID_ARG',
      "<file>:<line>:<column>: unknown field '<field>' in <message>",
      'a field that does not exist',
      'take the name that is proposed',
    ),
    row('INVALID_ARG', '<file>: not valid JSON: <reason>', 'an override of a load', 'look at that place'),
    row(
      'INVALID_ARG',
      "unexpected directory name '<folder>' for model '<model>', directory name must equal model name",
      '`name` differs from the folder',
      'leave `name` out',
    ),
    row(
      'INVALID_ARG',
      "model input '<input>' must specify 'dims' for <model>",
      'incomplete, and no file tells',
      'add it; the same for `name` and `data_type`',
    ),
    row(
      'INVALID_ARG',
      "unable to load model '<model>', configuration expects <what>, model provides <what>",
      'file and configuration contradict',
      'follow the file',
    ),
    row(
      'INVALID_ARG',
      "model '<model>', tensor '<tensor>': the model expects <n> dimensions (shape <shape>) but the model configuration specifies",
      'the same for shapes',
      'follow the file',
    ),
    row(
      'INVALID_ARG',
      'instance group <name> of model <model> has kind KIND_GPU but no GPUs are available',
      'GPU instances',
      'use `KIND_CPU`',
    ),
    row(
      'UNSUPPORTED',
      "unable to load model '<model>', execution accelerator '<name>' of a <kind> instance: this ONNX Runtime has",
      'a provider that is not there',
      'take one that is',
    ),
    row(
      'INVALID_ARG',
      "model '<model>', parameter '<name>': expected <what>, found '<value>'",
      'a parameter that a backend reads',
      'write what is expected',
    ),
    row(
      'UNSUPPORTED',
      "'<file>' must be a path within the folder '<folder>' of model '<model>'",
      'a file outside of the model',
      'move it inside',
    ),
    row(
      'INTERNAL',
      'failed to open text file for read <file>: <reason>',
      'a label, warm-up or state file',
      'check the path',
    ),
    row(
      'INVALID_ARG',
      'Response Cache does not currently support model <model> with',
      'sequences and decoupled models',
      'disable `response_cache`',
    ),
  ],
};
