import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Tool } from './find-tool.ts';
import { runVisibly } from './run-visibly.ts';

/** wrk, and what it needs that a bare Debian or Ubuntu lacks. */
const PACKAGES = ['wrk', 'libluajit-5.1-2', 'libluajit-5.1-common'];

/**
 * Takes wrk out of the packages of Debian or Ubuntu, which apt checks, without installing them: that needs no root.
 *
 * @param cache - Folder in which it stays.
 * @throws Error where there is no apt-get, or it has no such packages.
 */
export function setUpWrk(cache: string): Tool {
  const root = join(cache, 'wrk');
  if (!existsSync(root)) download(cache, root);
  const libraries = globSync('usr/lib/**/libluajit-5.1.so.2', { cwd: root });
  const paths = libraries.map((library) => join(root, dirname(library)));
  return { path: join(root, 'usr', 'bin', 'wrk'), environment: { LD_LIBRARY_PATH: paths.join(':') } };
}

function download(cache: string, root: string): void {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'wrk-'));
  try {
    runVisibly('apt-get', ['download', ...PACKAGES], { folder });
    for (const file of globSync('*.deb', { cwd: folder }))
      runVisibly('dpkg-deb', ['--extract', file, 'root'], { folder });
    renameSync(join(folder, 'root'), root);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
