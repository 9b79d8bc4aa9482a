import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { CONFIG, greet, MAKE_WHEELS, MODEL } from '../python/greeting-model.ts';
import { pythonVenv } from '../python/venv.ts';
import { makeRepository, type ModelFiles, type TemporaryRepository } from '../server/make-repository.ts';
import { NEREID, runNereid, startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 180_000 };
const PROJECT = '[project]\nname = "m"\nversion = "1"\ndependencies = ["greeting"]\n';

const scratch = mkdtempSync(join(tmpdir(), 'nereid-environments-'));
const cache = join(scratch, 'cache/nereid/python-environments');
let uv = '';
before(() => {
  const wheels = join(scratch, 'wheels');
  mkdirSync(wheels);
  execFileSync(pythonVenv(), [MAKE_WHEELS, wheels]);
  uv = join(dirname(pythonVenv()), 'uv');
  // What a site without a network sets; servers and installers inherit it.
  Object.assign(process.env, {
    XDG_CACHE_HOME: join(scratch, 'cache'),
    PIP_FIND_LINKS: wheels,
    PIP_NO_INDEX: '1',
    UV_CACHE_DIR: join(scratch, 'uv'),
    PATH: `${dirname(pythonVenv())}${delimiter}${process.env['PATH']}`,
  });
});
after(() => rmSync(scratch, { recursive: true }));

/** Adds an entry that would be written beside the folder that an archive is unpacked into. */
const ADD_ABOVE = `import io, sys, tarfile
with tarfile.open(sys.argv[1], "w:gz") as archive:
    for name in ("bin/python", "../above"):
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
`;
const IN_A_FOLDER = `import io, sys, tarfile
with tarfile.open(sys.argv[1], "w:gz") as archive:
    archive.addfile(tarfile.TarInfo("env/bin/python"), io.BytesIO())
`;

function serve({ path }: TemporaryRepository, ...settings: readonly string[]): Promise<RunningServer> {
  return startServer(path, ...flags(settings));
}

function flags(settings: readonly string[]): readonly string[] {
  return [`interpreter=${pythonVenv()}`, ...settings].map((setting) => `--backend-config=python,${setting}`);
}

function writeModel(repository: TemporaryRepository, files: ModelFiles): void {
  repository.write('m', { 'config.pbtxt': CONFIG, '1/model.py': MODEL, ...files });
}

/** What the cache has. */
function cached(): readonly string[] {
  return existsSync(cache) ? readdirSync(cache) : [];
}

function parameter(name: string, value: string): string {
  return `${CONFIG}parameters { key: "${name}" value { string_value: "${value}" } }\n`;
}

/** A virtual environment: a bare one, or with numpy and the greeting. */
function makeVenv(name: string, hasPackages: boolean): string {
  const directory = join(scratch, name);
  execFileSync(pythonVenv(), ['-m', 'venv', '--without-pip', directory]);
  const library = join(directory, 'lib', readdirSync(join(directory, 'lib'))[0] ?? '', 'site-packages');
  const wheels = join(scratch, 'wheels');
  for (const wheel of hasPackages ? readdirSync(wheels) : [])
    execFileSync(pythonVenv(), ['-m', 'zipfile', '-e', join(wheels, wheel), library]);
  return directory;
}

for (const [installer, file, content] of [
  ['uv', 'requirements.txt', 'greeting==1.0\n'],
  ['uv', 'pyproject.toml', PROJECT],
  ['pip', 'pyproject.toml', `${PROJECT}# by pip\n`],
] as const) {
  test(`${installer} installs what ${file} names, once for all servers`, LIMIT, async (t) => {
    if (installer === 'uv' && !existsSync(uv)) return t.skip('there is no uv beside NEREID_PYTHON');
    await using repository = makeRepository();
    writeModel(repository, { [file]: content });
    {
      await using server = await serve(repository, `environment-installer=${installer}`);
      assert.deepEqual(await greet(server), ['hello']);
      assert.match(server.output(), /making the Python environment: installing .*" model="m"/);
      assert.match(server.output(), /ready after [\d.]+ s: \d+ packages in /);
    }
    await using server = await serve(repository);
    assert.deepEqual(await greet(server), ['hello']);
    assert.doesNotMatch(server.output(), /making the Python environment/);
  });

  test(`a requirement that ${installer} can't find is named, from ${file}`, LIMIT, async (t) => {
    if (installer === 'uv' && !existsSync(uv)) return t.skip('there is no uv beside NEREID_PYTHON');
    await using repository = makeRepository();
    writeModel(repository, { [file]: content.replace('greeting', 'greeting-of-nobody') });
    const before = cached();
    await assert.rejects(
      serve(repository, `environment-installer=${installer}`),
      new RegExp(`model 'm': ${installer} can't install .*/${file}: .*greeting-of-nobody`),
    );
    assert.deepEqual(cached(), before);
  });
}

test('pip says so of dependencies that only a build of the project would tell', LIMIT, async () => {
  await using repository = makeRepository();
  const project = '[project]\nname = "m"\nversion = "1"\ndynamic = ["dependencies"]\n';
  writeModel(repository, { 'pyproject.toml': project });
  await assert.rejects(
    serve(repository, 'environment-installer=pip'),
    /pip can't install \S+\/m\/pyproject\.toml: the dependencies do not stand in project\.dependencies: install uv/,
  );
});

test('two servers that start together build an environment once', LIMIT, async () => {
  await using repository = makeRepository();
  writeModel(repository, { 'requirements.txt': 'greeting  # for two\n' });
  const [first, second] = await Promise.all([serve(repository), serve(repository)]);
  await using one = first;
  await using other = second;
  assert.deepEqual([await greet(one), await greet(other)], [['hello'], ['hello']]);
  const built = `${one.output()}${other.output()}`.match(/ready after/g);
  assert.equal(built?.length, 1);
});

test('two models of a server that want the same are one build, in a folder with spaces', LIMIT, async () => {
  await using repository = makeRepository();
  for (const name of ['m', 'other'])
    repository.write(name, {
      'config.pbtxt': CONFIG,
      '1/model.py': MODEL,
      'requirements.txt': 'greeting  # for two models\n',
    });
  await using server = await serve(repository, `environment-cache=${join(scratch, 'a cache')}`);
  assert.deepEqual(await greet(server), ['hello']);
  assert.match(server.output(), /waiting for the Python environment, which another load is building/);
  assert.equal(server.output().match(/ready after/g)?.length, 1);
});

test(
  'what is built after a server was killed in the middle of it does not wait for that',
  LIMIT,
  async () => {
    const pipe = makeEndlessUv('tools-of-killed');
    await using repository = makeRepository();
    writeModel(repository, { 'requirements.txt': 'greeting  # after a kill\n' });
    const env = { ...process.env, PATH: `${dirname(pipe)}${delimiter}${process.env['PATH']}` };
    const args = ['serve', `--model-repository=${repository.path}`, ...flags([])];
    const killed = spawn(NEREID, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
    const ended = once(killed, 'close');
    const installer = (await readFile(pipe, 'utf8')).trim();
    const group = groupOf(installer);
    killed.kill('SIGKILL');
    await ended;
    // Nobody is left who would end it.
    process.kill(-group, 'SIGKILL');
    // Then its age alone never tells that it is abandoned.
    const later = new Date(Date.now() + 3_600_000);
    const locks = cached().filter((name) => name.endsWith('.lock'));
    assert.equal(locks.length, 1);
    for (const lock of locks) utimesSync(join(cache, lock), later, later);
    await using server = await serve(repository);
    assert.deepEqual(await greet(server), ['hello']);
  },
);

test('an archive of an environment is unpacked once, and conda-unpack is run', LIMIT, async () => {
  const directory = makeVenv('packed', true);
  const unpack = 'import os, sys\nopen(os.path.join(sys.prefix, "unpacked"), "w").close()\n';
  writeFileSync(join(directory, 'bin/conda-unpack'), unpack);
  // As a script of conda's packages does, in etc/conda/activate.d.
  appendFileSync(join(directory, 'bin/activate'), 'export DATA_OF_A_PACKAGE="$PWD"\n');
  await using repository = makeRepository();
  const asserts = `import os, sys
assert os.path.exists(os.path.join(sys.prefix, "unpacked"))
assert os.environ["VIRTUAL_ENV"] == sys.prefix
assert os.environ["PATH"].startswith(os.path.join(sys.prefix, "bin") + ":")
assert os.environ["DATA_OF_A_PACKAGE"]
`;
  const model = `${MODEL}\n${asserts}`;
  const config = parameter('EXECUTION_ENV_PATH', '$$TRITON_MODEL_DIRECTORY/env.tar.gz');
  writeModel(repository, {
    'config.pbtxt': config,
    '1/model.py': model,
    'requirements.txt': 'nothing-of-this\n',
  });
  execFileSync('tar', ['-czf', join(repository.path, 'm/env.tar.gz'), '-C', directory, '.']);
  {
    await using server = await serve(repository);
    assert.deepEqual(await greet(server), ['hello']);
    assert.match(server.output(), /making the Python environment: unpacking .*env\.tar\.gz/);
    assert.match(
      server.output(),
      /requirements\.txt is not installed: EXECUTION_ENV_PATH names an environment/,
    );
  }
  await using server = await serve(repository);
  assert.doesNotMatch(server.output(), /making the Python environment/);
});

test('the folder of an environment is used as it is', LIMIT, async () => {
  const directory = makeVenv('folder', true);
  await using repository = makeRepository();
  writeModel(repository, { 'config.pbtxt': parameter('EXECUTION_ENV_PATH', directory) });
  await using server = await serve(repository);
  assert.deepEqual(await greet(server), ['hello']);
});

for (const [what, make, said] of [
  ['is cut off', 'import sys; open(sys.argv[1], "r+b").truncate(200)', 'tar'],
  ['has a file above its top', ADD_ABOVE, '\\.\\.'],
  ['has the environment in a folder', IN_A_FOLDER, 'no bin/python at its top'],
] as const) {
  test(`an archive that ${what} is refused, and nothing of it is left`, LIMIT, async () => {
    await using repository = makeRepository();
    const config = parameter('EXECUTION_ENV_PATH', '$$TRITON_MODEL_DIRECTORY/env.tar.gz');
    writeModel(repository, { 'config.pbtxt': config });
    const archive = join(repository.path, 'm/env.tar.gz');
    execFileSync('tar', ['-czf', archive, '-C', dirname(pythonVenv()), '.']);
    execFileSync(pythonVenv(), ['-c', make, archive]);
    const before = cached();
    await assert.rejects(
      serve(repository),
      new RegExp(`model 'm': can't unpack the Python environment \\S+/m/env\\.tar\\.gz: .*${said}`),
    );
    assert.deepEqual(cached(), before);
  });
}

test('an archive that is not there is named', LIMIT, async () => {
  await using repository = makeRepository();
  writeModel(repository, { 'config.pbtxt': parameter('EXECUTION_ENV_PATH', 'envs/none.tar.gz') });
  await assert.rejects(
    serve(repository),
    /parameter 'EXECUTION_ENV_PATH': expected a tar archive or the folder of an environment, found no \S+\/envs\/none\.tar\.gz/,
  );
});

test('an archive that is none is named', LIMIT, async () => {
  await using repository = makeRepository();
  const config = parameter('EXECUTION_ENV_PATH', '$$TRITON_MODEL_DIRECTORY/env.tar.gz');
  writeModel(repository, { 'config.pbtxt': config, 'env.tar.gz': 'no archive' });
  await assert.rejects(
    serve(repository),
    /model 'm': can't unpack the Python environment .*\/m\/env\.tar\.gz: .*tar/,
  );
});

test('a Python without numpy says what to do', LIMIT, async () => {
  const python = join(makeVenv('bare', false), 'bin/python');
  await using repository = makeRepository();
  writeModel(repository, { 'config.pbtxt': parameter('PYTHON_INTERPRETER', python) });
  const { status, output } = await runNereid('serve', `--model-repository=${repository.path}`);
  assert.equal(status, 1);
  assert.match(output, /bare\/bin\/python has no numpy.*or name it in a requirements\.txt beside the model/);
});

test(
  'a Python that lacks what requirements=ignore leaves to it gets the command that installs it',
  LIMIT,
  async () => {
    const python = join(makeVenv('lacking', false), 'bin/python');
    const wheels = join(scratch, 'wheels');
    const numpy =
      readdirSync(wheels).find((name) => name.startsWith('numpy')) ?? assert.fail('no wheel of numpy');
    await using repository = makeRepository();
    writeModel(repository, {
      'config.pbtxt': parameter('PYTHON_INTERPRETER', python),
      'requirements.txt': 'greeting\n',
    });
    const command = new RegExp(
      `install it for the Python ${python}, which with requirements=ignore must also have what \\S+/m/requirements\\.txt asks for: '${python} -m pip install -r \\S+/m/requirements\\.txt'`,
    );
    await assert.rejects(serve(repository, 'requirements=ignore'), (error: Error) => {
      assert.match(error.message, /has no numpy, which tensors are made of: install it/);
      assert.match(error.message, command);
      return true;
    });
    const library = dirname(dirname(python));
    const packages = join(library, 'lib', readdirSync(join(library, 'lib'))[0] ?? '', 'site-packages');
    execFileSync(pythonVenv(), ['-m', 'zipfile', '-e', join(wheels, numpy), packages]);
    await assert.rejects(serve(repository, 'requirements=ignore'), (error: Error) => {
      assert.match(error.message, /No module named 'greeting': install it/);
      assert.match(error.message, command);
      return true;
    });
  },
);

test(
  'a Python-based backend brings the packages that it wants to a Python that has none',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    const backends = join(repository.path, '../backends');
    mkdirSync(join(backends, 'greeter'), { recursive: true });
    writeFileSync(join(backends, 'greeter/model.py'), MODEL);
    writeFileSync(join(backends, 'greeter/requirements.txt'), 'greeting  # for a backend\n');
    repository.write('m', { 'config.pbtxt': CONFIG.replace('python', 'greeter'), '1/weights': '' });
    await using server = await startServer(
      repository.path,
      `--backend-directory=${backends}`,
      `--backend-config=greeter,interpreter=${makeVenv('empty', false)}/bin/python`,
    );
    assert.deepEqual(await greet(server), ['hello']);
    assert.match(server.output(), /making the Python environment: installing .*greeter\/requirements\.txt/);
  },
);

/** Puts a `uv` on the path that never ends; its process says its id into the pipe that is returned. */
function makeEndlessUv(name: string): string {
  const tools = join(scratch, name);
  const pipe = join(tools, 'pipe');
  mkdirSync(tools);
  execFileSync('mkfifo', [pipe]);
  // The one that goes on is a child, as that of a build of a package.
  const script = `#!/bin/sh\n[ "$1" = --version ] && exit 0\nsh -c 'echo $$ > ${pipe}; exec tail -f /dev/null'; true\n`;
  writeFileSync(join(tools, 'uv'), script, { mode: 0o755 });
  return pipe;
}

/** The process group of a process, from what Linux says of it: its state, parent and group follow its name. */
function groupOf(pid: string): number {
  return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[2]);
}

/** A process that has ended may still be listed, as a zombie, until its parent has taken notice. */
function assertEnded(pid: string): void {
  const stat = `/proc/${pid.trim()}/stat`;
  const state = existsSync(stat) ? readFileSync(stat, 'utf8').split(') ')[1]?.[0] : 'gone';
  assert.ok(state === 'gone' || state === 'Z', `process ${pid} has state ${state}`);
}

test('a server that stops while a load builds ends the build, and leaves nothing of it', LIMIT, async () => {
  const pipe = makeEndlessUv('tools');
  await using repository = makeRepository();
  writeModel(repository, { 'requirements.txt': 'greeting  # for nobody\n' });
  const before = cached();
  const path = process.env['PATH'];
  process.env['PATH'] = `${dirname(pipe)}${delimiter}${path}`;
  const starting = startServer(repository.path, ...flags([]), '--model-control-mode=explicit');
  await using server = await starting.finally(() => (process.env['PATH'] = path));
  const loading = fetch(`${server.http}/v2/repository/models/m/load`, { method: 'POST' });
  const pid = await readFile(pipe, 'utf8');
  assert.equal(await server.stop(), 0);
  assertEnded(pid);
  assert.match(await (await loading).text(), /the server is stopping/);
  assert.deepEqual(cached(), before);
});

test('a server that is told to stop while it starts does not wait for a build', LIMIT, async () => {
  const pipe = makeEndlessUv('tools-of-start');
  await using repository = makeRepository();
  writeModel(repository, { 'requirements.txt': 'greeting  # for nobody, either\n' });
  const before = cached();
  const env = { ...process.env, PATH: `${dirname(pipe)}${delimiter}${process.env['PATH']}` };
  const args = ['serve', `--model-repository=${repository.path}`, ...flags([])];
  const server = spawn(NEREID, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ended = once(server, 'close');
  const output = text(server.stdout);
  const pid = await readFile(pipe, 'utf8');
  server.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  assertEnded(pid);
  assert.match(await output, /SIGTERM received before the models were loaded/);
  assert.deepEqual(cached(), before);
});
