import { join } from 'node:path';
import { InferenceServerError } from '@nereid/backend-sdk';
import { pathExists } from './path-exists.ts';
import { runCommand } from './run-command.ts';

/**
 * Node prints the variables, as it is there in any case, and says them in one line. The script gets no arguments: that of a
 * whole conda takes the first for the environment to activate.
 */
const ACTIVATE =
  'script=$1 nereid_node=$2; shift 2; . "$script" >&2 && exec "$nereid_node" -p "JSON.stringify(process.env)"';
/** What every shell sets, and what {@link runCommand} adds. */
const NOT_OF_ENVIRONMENT = /^(?:PS1|SHLVL|_|PWD|OLDPWD|PYTHONUNBUFFERED|NO_COLOR)$/;

/**
 * The variables that `bin/activate` of an environment sets, which Triton's stub is started with, too: that of conda-pack
 * runs the scripts in `etc/conda/activate.d`, by which packages find their data.
 *
 * @returns nothing where there is no such file, or no bash.
 * @throws InferenceServerError INVALID_ARG with what the script said when it fails.
 */
export async function activatedVariables(
  directory: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const script = join(directory, 'bin/activate');
  if (process.platform === 'win32' || !(await pathExists(script))) return {};
  const args = ['-c', ACTIVATE, 'bash', script, process.execPath];
  const result = await runCommand({ command: 'bash', args, signal });
  if (result.kind === 'missing') return {};
  const variables = parse(result.lines.findLast((line) => line.startsWith('{')));
  if (result.status === 0 && variables !== undefined) return changed(variables);
  throw new InferenceServerError('INVALID_ARG', `${script} failed: ${result.lines.slice(-3).join(' ')}`);
}

function parse(line: string | undefined): Record<string, string> | undefined {
  try {
    return JSON.parse(line ?? '') as Record<string, string>;
  } catch {
    return undefined;
  }
}

function changed(variables: Readonly<Record<string, string>>): Record<string, string> {
  const own = ([name, value]: [string, string]): boolean =>
    process.env[name] !== value && !NOT_OF_ENVIRONMENT.test(name);
  return Object.fromEntries(Object.entries(variables).filter(own));
}
