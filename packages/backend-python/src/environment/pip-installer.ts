import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InferenceServerError } from '@nereid/backend-sdk';
import type { InstallJob, Installer } from './installer.ts';
import { pythonIn } from './python-in.ts';
import { findUvLock, isPylock } from './requirements.ts';

/** Prints the dependencies of a pyproject.toml. Before Python 3.11, pip's own copy of the parser is the only one. */
const READ_PROJECT = `import sys
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib
with open(sys.argv[1], "rb") as file:
    project = tomllib.load(file).get("project", {"dynamic": ["dependencies"]})
if "dependencies" in project.get("dynamic", []):
    sys.exit("ERROR: the dependencies do not stand in project.dependencies: install uv, or write a requirements.txt")
print("\\n".join(project.get("dependencies", [])))`;

/** Installs with the interpreter's own venv and pip. */
export const pipInstaller: Installer = {
  name: 'pip',
  async install(job) {
    const { directory, offline, locked, run } = job;
    for (const file of job.requirements.files) await refuseLock(file);
    await run(job.python.executable, ['-m', 'venv', '--clear', directory]);
    const python = await pythonIn(directory);
    const files: string[] = [];
    for (const file of job.requirements.files) files.push(await toRequirements(file, job, python));
    await run(python, [
      '-m',
      'pip',
      'install',
      '--disable-pip-version-check',
      '--no-input',
      ...(offline ? ['--no-index'] : []),
      ...(locked ? ['--require-hashes'] : []),
      ...files.flatMap((file) => ['-r', file]),
      ...job.added,
    ]);
  },
};

async function refuseLock(file: string): Promise<void> {
  const lock = isPylock(file) ? file : await findUvLock(file);
  if (lock === undefined) return;
  throw new InferenceServerError(
    'INVALID_ARG',
    `pip can't read ${lock}: install uv, or write a requirements.txt with 'uv export' and leave the lock out`,
  );
}

/** pip installs a project, but not what a project needs. */
async function toRequirements(file: string, job: InstallJob, python: string): Promise<string> {
  if (basename(file) !== 'pyproject.toml') return file;
  const dependencies = await job.run(python, ['-c', READ_PROJECT, file]);
  const written = join(job.directory, `project-${job.requirements.files.indexOf(file)}.txt`);
  await writeFile(written, `${dependencies.join('\n')}\n`);
  return written;
}
