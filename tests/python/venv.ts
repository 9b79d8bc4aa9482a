import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The interpreter with the packages of tests/python/requirements.txt.
 *
 * NEREID_PYTHON names one that has them already.
 *
 * @throws Error with pip's own words when a package can't be installed.
 */
export function pythonVenv(): string {
  const given = process.env['NEREID_PYTHON'];
  if (given !== undefined && given !== '') return given;
  return makeVenv('nereid-python', join(ROOT, 'tests/python/requirements.txt'));
}

/**
 * The interpreter with the packages that the models of a backend are made with: those of
 * `tests/frameworks/<backend>/requirements.txt`.
 *
 * @throws Error with pip's own words when a package can't be installed.
 */
export function frameworkVenv(backend: string): string {
  return makeVenv(`nereid-python-${backend}`, join(ROOT, 'tests/frameworks', backend, 'requirements.txt'));
}

/**
 * Makes a virtual environment on the first call, and again when the requirements changed.
 *
 * @param pipOptions - What pip shows meanwhile. Default: nothing.
 * @throws Error with pip's own words when a package can't be installed.
 */
export function makeVenv(
  name: string,
  requirements: string,
  pipOptions: readonly string[] = ['--quiet'],
): string {
  const venv = join(ROOT, 'node_modules/.cache', name);
  run(findPython(), [join(ROOT, 'tests/python/make-venv.py'), venv, requirements, ...pipOptions]);
  return join(venv, 'bin/python');
}

/** Runs a script in the environment of {@link pythonVenv}, on this terminal, and gives its exit status. */
export function runPython(script: string, ...args: readonly string[]): Promise<number> {
  const child = spawn(pythonVenv(), [script, ...args], { cwd: ROOT, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** A Python that can make environments. @throws Error when there is none. */
export function findPython(): string {
  const found = ['python3.11', 'python3'].find((name) => spawnSync(name, ['--version']).status === 0);
  if (found === undefined) throw new Error('Python was not found: install python3.11 or set NEREID_PYTHON');
  return found;
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stderr}`);
}
