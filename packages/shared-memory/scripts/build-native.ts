/**
 * Compiles the addon for this machine into `prebuilds`, unless what is there was made of the same sources.
 *
 *     node scripts/build-native.ts
 *
 * The compiler is `c++`, or CXX. Where there is none, nothing is built and the server runs without shared memory.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const COMPILER = process.env['CXX'] ?? 'c++';

process.exitCode = main();

function main(): number {
  if (process.platform === 'win32') return 0;
  const version = spawnSync(COMPILER, ['--version'], { encoding: 'utf8' });
  if (version.status !== 0) {
    console.log(`no C++ compiler ('${COMPILER}'): built without shared memory`);
    return 0;
  }
  const addon = addonPath();
  const stamp = `${addon}.sources`;
  const flags = compilerFlags();
  const wanted = hashOf([version.stdout, ...flags.map((flag) => flag.replace(ROOT, ''))]);
  if (existsSync(addon) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return 0;
  mkdirSync(dirname(addon), { recursive: true });
  // Under another name until it is whole: a running server may have the old one mapped.
  const unfinished = `${addon}.${process.pid}`;
  const { status } = spawnSync(COMPILER, [...flags, '-o', unfinished], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) return 1;
  renameSync(unfinished, addon);
  writeFileSync(stamp, wanted);
  return 0;
}

/** Where node-gyp-build looks. */
function addonPath(): string {
  const libc = process.platform !== 'linux' ? '' : existsSync('/etc/alpine-release') ? '.musl' : '.glibc';
  return join(ROOT, 'prebuilds', `${process.platform}-${process.arch}`, `node.napi${libc}.node`);
}

function compilerFlags(): readonly string[] {
  const require = createRequire(import.meta.url);
  // Another machine may have older libraries of C++, or none.
  const linking =
    process.platform === 'darwin'
      ? ['-undefined', 'dynamic_lookup']
      : ['-static-libgcc', '-static-libstdc++', '-lrt'];
  return [
    '-std=c++17',
    '-O2',
    '-fPIC',
    '-shared',
    '-fvisibility=hidden',
    '-Wall',
    '-Wextra',
    '-DNAPI_VERSION=8',
    '-DNODE_ADDON_API_CPP_EXCEPTIONS',
    `-I${join(dirname(require.resolve('node-api-headers/package.json')), 'include')}`,
    `-isystem${dirname(require.resolve('node-addon-api/package.json'))}`,
    ...sources('.cc'),
    ...linking,
  ];
}

function sources(ending: string): readonly string[] {
  const names = readdirSync(join(ROOT, 'native')).sort();
  return names.filter((name) => name.endsWith(ending)).map((name) => `native/${name}`);
}

function hashOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text}\n`);
  for (const path of sources('')) hash.update(readFileSync(join(ROOT, path)));
  return hash.digest('hex');
}
