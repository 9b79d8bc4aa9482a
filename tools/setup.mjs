/**
 * Makes a clone ready: installs what changed, builds, and then runs a program on the workspace's own Node.
 *
 *     node tools/setup.mjs [program.ts [arguments…]]
 *
 * Plain JavaScript without dependencies: it is the first thing that runs, on whatever Node (20 or later) is there.
 * With NEREID_NODE=system the program runs on that Node, not on the pinned one.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ON_SYSTEM_NODE = process.env.NEREID_NODE === 'system';
// Our programs are TypeScript, which Node runs as it is since 22.18; for the set-up alone 20 is enough.
const OLDEST_NODE = ON_SYSTEM_NODE ? 22 : 20;
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STAMP = join(ROOT, '.setup-stamp');
const ON_WINDOWS = process.platform === 'win32';
const PINNED_NODE = join(ROOT, 'node_modules', 'node', 'bin', ON_WINDOWS ? 'node.exe' : 'node');
const NETWORK_ERROR =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|META_FETCH_FAIL|fetch failed/;

checkNode();
installWhenChanged();
build();
runProgram(process.argv.slice(2));

function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) stop(`Node ${OLDEST_NODE} or later is needed, this is ${process.version}.`);
}

function installWhenChanged() {
  const wanted = stateOfDependencies();
  if (existsSync(PINNED_NODE) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  timed('installing dependencies', install);
  // Hashed again: outside CI the install may have written the lockfile.
  writeFileSync(STAMP, stateOfDependencies());
}

/** What decides whether installed packages are still the right ones, as one hash. */
function stateOfDependencies() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...memberManifests()]) {
    const path = join(ROOT, file);
    if (existsSync(path)) hash.update(`\n${file}\n`).update(readFileSync(path));
  }
  return hash.digest('hex');
}

/** The package.json of every member that pnpm-workspace.yaml names, as `folder` or `folder/*`. */
function memberManifests() {
  const members = readFileSync(join(ROOT, 'pnpm-workspace.yaml'), 'utf8').split(/^\S/m)[1] ?? '';
  return [...members.matchAll(/^ +- +(\S+)$/gm)]
    .flatMap(([, pattern]) => (pattern.endsWith('/*') ? subfolders(pattern.slice(0, -2)) : [pattern]))
    .map((folder) => `${folder}/package.json`);
}

function subfolders(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  const names = readdirSync(join(ROOT, folder)).sort();
  return names.map((name) => `${folder}/${name}`);
}

function install() {
  // CI takes the lockfile as it is or fails; a developer who changed a package.json gets it updated.
  const result = pnpm('install', process.env.CI ? '--frozen-lockfile' : '--prefer-frozen-lockfile');
  if (result.status === 0) return;
  process.stderr.write(`\n${result.output}\n`);
  if (NETWORK_ERROR.test(result.output)) {
    stop(
      'The package registry cannot be reached: check the network or the proxy settings, then run this again.',
    );
  }
  stop('Installing the dependencies failed, see above.');
}

function pnpm(...parameters) {
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  // npx brings the right version: pnpm need not look after its own, for which it would want entries in the lockfile.
  const command = ['--yes', packageManager, '--pm-on-fail=ignore', ...parameters];
  // npx is a .cmd file on Windows, which only a shell can start.
  const result = spawnSync('npx', command, {
    cwd: ROOT,
    encoding: 'utf8',
    shell: ON_WINDOWS,
    maxBuffer: 64 << 20,
  });
  if (result.error?.code === 'ENOENT') stop('npx was not found: install npm, which comes with Node.');
  return { status: result.status, output: `${result.stdout ?? ''}${result.stderr ?? ''}` };
}

function build() {
  timed('building', () => {
    run('packages/shared-memory/scripts/build-native.ts');
    run('node_modules/typescript/bin/tsc', '-b');
    run('tools/bundle.ts');
  });
}

/** Runs a program of the build; what it writes when all is well is a hint. */
function run(...commandLine) {
  const { status, stdout, stderr } = spawnSync(chosenNode(), commandLine, { cwd: ROOT, encoding: 'utf8' });
  if (status === 0) {
    process.stderr.write(stdout);
    return;
  }
  process.stderr.write(`\n${stdout}${stderr}\n`);
  stop(`${commandLine.join(' ')} failed, see above.`);
}

function runProgram(commandLine) {
  if (commandLine.length === 0) return;
  const node = chosenNode();
  const child = spawn(node, commandLine, { cwd: ROOT, stdio: 'inherit' });
  // A terminal sends Ctrl-C to the child, too; a plain kill reaches only this process.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => stop(`${node} cannot be started: ${error.message}`));
  child.on('exit', (code) => process.exit(code ?? 1));
}

function chosenNode() {
  return ON_SYSTEM_NODE ? process.execPath : PINNED_NODE;
}

function timed(label, step) {
  const start = performance.now();
  process.stderr.write(`${label} … `);
  step();
  process.stderr.write(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

function stop(message) {
  process.stderr.write(`\n${message}\n`);
  process.exit(1);
}
