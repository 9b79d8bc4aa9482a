import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const REQUIREMENTS = join(ROOT, 'tests/python/requirements.txt');
const VENV = join(ROOT, 'node_modules/.cache/nereid-python');
const PYTHON = join(VENV, 'bin/python');
const STAMP = join(VENV, 'requirements.sha256');

/**
 * The interpreter with the packages of requirements.txt. A virtual environment is made on the first call, and again
 * when the requirements changed.
 *
 * NEREID_PYTHON names an interpreter that has them already.
 *
 * @throws Error with pip's own words when a package can't be installed.
 */
export function pythonVenv(): string {
  const given = process.env['NEREID_PYTHON'];
  if (given !== undefined && given !== '') return given;
  const wanted = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return PYTHON;
  rmSync(VENV, { recursive: true, force: true });
  process.stdout.write(`Installing the Python packages of ${REQUIREMENTS}\n`);
  run(findPython(), ['-m', 'venv', VENV]);
  run(PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]);
  writeFileSync(STAMP, wanted);
  return PYTHON;
}

/** Runs a script in the environment, on this terminal, and gives its exit status. */
export function runPython(script: string, ...args: readonly string[]): Promise<number> {
  const child = spawn(pythonVenv(), [script, ...args], { cwd: ROOT, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

function findPython(): string {
  const found = ['python3.11', 'python3'].find((name) => spawnSync(name, ['--version']).status === 0);
  if (found === undefined) throw new Error('Python was not found: install python3.11 or set NEREID_PYTHON');
  return found;
}

function run(command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`);
}
