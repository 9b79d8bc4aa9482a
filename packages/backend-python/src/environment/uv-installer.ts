import { basename, dirname, join } from 'node:path';
import type { InstallJob, Installer } from './installer.ts';
import { pythonIn } from './python-in.ts';
import { findUvLock, isPylock } from './requirements.ts';

/** Installs with uv, which is on the path. */
export const uvInstaller: Installer = {
  name: 'uv',
  async install(job) {
    const { directory, python, offline, locked, run } = job;
    const isOffline = offline ? ['--offline'] : [];
    await run('uv', ['venv', '--no-project', '--clear', '--python', python.executable, directory]);
    const files = await Promise.all(job.requirements.files.map((file) => exportLocked(file, job, isOffline)));
    const flags = [
      '--python',
      await pythonIn(directory),
      ...isOffline,
      ...(locked ? ['--require-hashes'] : []),
      ...indexFlags(process.env),
    ];
    // uv takes a pylock.toml by itself alone.
    for (const file of files.filter(isPylock)) await run('uv', ['pip', 'install', ...flags, '-r', file]);
    const named = [...files.filter((file) => !isPylock(file)).flatMap((file) => ['-r', file]), ...job.added];
    if (named.length > 0) await run('uv', ['pip', 'install', ...flags, ...named]);
  },
};

/** What is installed for a file: a `pyproject.toml` with a `uv.lock` stands for what is locked. */
async function exportLocked(file: string, job: InstallJob, flags: readonly string[]): Promise<string> {
  if ((await findUvLock(file)) === undefined) return file;
  const exported = join(job.directory, `${basename(dirname(file))}-locked.txt`);
  const project = ['--project', dirname(file), '--python', job.python.executable];
  const parts = ['--frozen', '--no-dev', '--no-emit-project', '--quiet'];
  await job.run('uv', ['export', ...parts, ...project, ...flags, '--output-file', exported]);
  return exported;
}

/** uv has variables of its own for where packages are; who has set pip's means them for uv, too. */
function indexFlags(environment: NodeJS.ProcessEnv): readonly string[] {
  const { PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, PIP_NO_INDEX } = environment;
  const words = (text = ''): readonly string[] => text.split(/\s+/).filter(Boolean);
  const own = environment['UV_DEFAULT_INDEX'] ?? environment['UV_INDEX_URL'];
  return [
    ...(PIP_INDEX_URL && own === undefined ? ['--default-index', PIP_INDEX_URL] : []),
    ...words(PIP_EXTRA_INDEX_URL).flatMap((url) => ['--index', url]),
    ...words(PIP_FIND_LINKS).flatMap((place) => ['--find-links', place]),
    ...(/^(?:1|true|yes|on)$/i.test(PIP_NO_INDEX ?? '') ? ['--no-index'] : []),
  ];
}
