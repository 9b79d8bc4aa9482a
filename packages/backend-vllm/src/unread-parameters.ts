import { didYouMean, type ModelContext } from '@nereid/backend-sdk';
import { ENGINE_PARAMETERS } from './engine-parameters.ts';

type ParameterName = keyof typeof ENGINE_PARAMETERS;

const OURS = Object.keys(ENGINE_PARAMETERS);
const FOR_ELSEWHERE: readonly ParameterName[] = [
  'engine_model',
  'engine_key_file',
  'engine_key_env',
  'engine_ca_file',
  'engine_certificate_file',
  'engine_certificate_key_file',
];
const FOR_OWN: readonly ParameterName[] = ['engine_command', 'start_timeout_seconds'];

/**
 * Warns of parameters that change nothing: those for engines of the other kind, and, since parameters are free for all to
 * use, those whose name is nearly ours.
 *
 * @param isElsewhere - Whether the engines run already.
 */
export function warnOfUnread({ modelName, config, logger }: ModelContext, isElsewhere: boolean): void {
  const names = Object.keys(config.parameters);
  const warn = (name: string, why: string): void =>
    logger.warning(`parameter '${name}' is not read${why}`, { model: modelName });
  for (const name of isElsewhere ? FOR_OWN : FOR_ELSEWHERE) {
    if (names.includes(name)) warn(name, isElsewhere ? WHY_NOT_ELSEWHERE : WHY_NOT_OWN);
  }
  if (isElsewhere && names.includes('engine_key_file') && names.includes('engine_key_env'))
    warn('engine_key_env', ": 'engine_key_file' is given, too");
  for (const name of names) {
    const hint = OURS.includes(name) ? '' : didYouMean(name, OURS);
    if (hint !== '') warn(name, hint);
  }
}

const WHY_NOT_OWN = ": it is for engines elsewhere, and 'engine_url' names none";
const WHY_NOT_ELSEWHERE = ": it is for an engine that the server starts, and 'engine_url' names others";
