import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GrpcClient, HttpClient, InferenceServerError, InferInput } from '@nereid/client';
import { makeRepository } from '../server/make-repository.ts';
import { IMPORTS, isAlive, pythonConfig, servePython, stubsOf } from '../server/python-models.ts';
import type { RunningServer } from '../server/start-server.ts';
import { runPythonFaults } from '../stress/python-faults.ts';

const LIMIT = { timeout: 90_000 };

/** Does what its input says, and else gives it back. */
const FAULTY = `import ctypes, os, signal, subprocess, sys
${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(request.inputs()[0].as_numpy()) for request in requests]

    def answer(self, values):
        action = getattr(self, values[0].decode().split(" ")[0], None)
        if action is not None:
            values = np.array([str(action()).encode()], dtype=object)
        return pb_utils.InferenceResponse([pb_utils.Tensor("OUT", values)])

    def sys_exit(self):
        sys.exit(3)

    def os_exit(self):
        print("nothing left to do", file=sys.stderr)
        os._exit(4)

    def fault(self):
        ctypes.string_at(0)

    def kill(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def spin(self):
        while True:
            pass

    def allocate(self):
        return len(bytearray(2 << 30))

    def child(self):
        return subprocess.Popen(["sleep", "600"]).pid
`;
/** Notes what it gets, and ends its process where it is told to. */
const recordingModel = (log: string): string => `import os, signal
${IMPORTS}
class TritonPythonModel:
    def initialize(self, args):
        self.log = os.open("${log}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def execute(self, requests):
        responses = []
        for request in requests:
            values = request.inputs()[0].as_numpy()
            os.write(self.log, values[0] + b"\\n")
            if values[0].startswith(b"kill"):
                os.kill(os.getpid(), signal.SIGKILL)
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("OUT", values)]))
        return responses
`;
const LIMITS = `parameters { key: "EXECUTE_TIMEOUT_SECONDS" value { string_value: "2" } }
parameters { key: "MEMORY_LIMIT_BYTES" value { string_value: "1073741824" } }`;

async function ask(client: HttpClient, text: string): Promise<string> {
  return (await client.infer('faulty', [InferInput.from('IN', [text])])).asStrings('OUT').join();
}

async function serveFaulty(
  more: string,
  use: (client: HttpClient, server: RunningServer) => Promise<void>,
  flags: readonly string[] = [],
): Promise<void> {
  await using repository = makeRepository();
  repository.write('faulty', { 'config.pbtxt': more, '1/model.py': FAULTY });
  await using server = await servePython(repository, ...flags);
  const client = new HttpClient(server.http);
  try {
    await use(client, server);
  } finally {
    await client.close();
  }
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('however a process ends, its request says how, and the next one is served', LIMIT, async () => {
  await serveFaulty(pythonConfig('STRING', LIMITS), async (client, server) => {
    const ends = {
      sys_exit: /model 'faulty' ended with status 3/,
      os_exit: /ended with status 4; its last words: nothing left to do/,
      fault: /was ended by SIGSEGV \(a fault in native code\); its last words: .*model\.py/,
      kill: /was ended by SIGKILL \(.*OOM killer/,
      spin: /was killed: execute did not return within 2 s \(EXECUTE_TIMEOUT_SECONDS\)/,
    };
    for (const [action, message] of Object.entries(ends)) {
      await assert.rejects(ask(client, action), (error: unknown) => {
        assert.ok(error instanceof InferenceServerError);
        assert.equal(error.code, 'UNAVAILABLE');
        assert.match(error.message, message);
        return true;
      });
      assert.equal(await ask(client, `after ${action}`), `after ${action}`);
    }
    assert.match(server.output(), /SIGSEGV.*it is started again/);
  });
});

test('memory beyond the limit of the model is a MemoryError, and its process goes on', LIMIT, async () => {
  await serveFaulty(pythonConfig('STRING', LIMITS), async (client, server) => {
    const before = stubsOf(server);
    await assert.rejects(
      ask(client, 'allocate'),
      /MemoryError.*the limit is 1073741824 bytes: MEMORY_LIMIT_BYTES/,
    );
    assert.equal(await ask(client, 'small'), 'small');
    assert.deepEqual(stubsOf(server), before);
  });
});

/** A cgroup with control of memory, in which groups may be made. */
const CGROUP = process.env['NEREID_CGROUP'] ?? '';
const NO_CGROUP = CGROUP === '' && 'NEREID_CGROUP names no cgroup in which groups may be made';

/** A process that was killed is in its group for a moment longer. */
function removeEmpty(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch {
    return false;
  }
}

test(
  'the end by the OOM killer is told with the limit of the cgroup',
  { ...LIMIT, skip: NO_CGROUP },
  async () => {
    const group = mkdtempSync(join(CGROUP, 'nereid-'));
    try {
      const limit = ['memory.max', 'memory.limit_in_bytes'].find((name) => existsSync(join(group, name)));
      writeFileSync(join(group, limit ?? assert.fail(`${group} does not control memory`)), `${1 << 29}`);
      await using repository = makeRepository();
      repository.write('faulty', { 'config.pbtxt': pythonConfig('STRING'), '1/model.py': FAULTY });
      await using server = await servePython(repository, '--model-control-mode=explicit');
      writeFileSync(join(group, 'cgroup.procs'), String(server.process.pid));
      const client = new HttpClient(server.http);
      try {
        await client.loadModel('faulty');
        await assert.rejects(ask(client, 'allocate'), {
          code: 'UNAVAILABLE',
          message: new RegExp(
            `SIGKILL \\(by the kernel's OOM killer: the limit of its cgroup is 536870912 bytes .*${limit}`,
          ),
        });
        assert.equal(await ask(client, 'small'), 'small');
        await assert.rejects(
          ask(client, 'kill'),
          /SIGKILL \(by a user or another program, not by .*OOM killer\)/,
        );
      } finally {
        await client.close();
      }
    } finally {
      await until(() => removeEmpty(group));
    }
  },
);

test('under load, a process that ends costs its own request and no other', LIMIT, async (t) => {
  const seed = Date.now() % 1_000_000;
  const { answered, failures, recoveriesMs, crossed } = await runPythonFaults({ seed, kills: 6 });
  t.diagnostic(
    `seed ${seed}: ${answered} answered, ${failures.length} failed for 6 processes; ready again after ` +
      recoveriesMs.map((ms) => `${Math.round(ms)} ms`).join(', '),
  );
  assert.equal(crossed, 0);
  for (const failure of failures) assert.match(failure, /was ended by SIG|no sign of life/);
  assert.ok(failures.length <= 6, `${failures.length} requests failed for 6 processes`);
});

test('what a process was handed early is executed by the next one, and nothing twice', LIMIT, async () => {
  await using repository = makeRepository();
  const log = join(repository.path, 'begun');
  repository.write('faulty', { 'config.pbtxt': pythonConfig('STRING'), '1/model.py': recordingModel(log) });
  await using server = await servePython(repository);
  const client = new HttpClient(server.http);
  try {
    for (let round = 0; round < 3; round += 1) {
      const texts = Array.from({ length: 200 }, (_, at) => (at === 150 ? `kill-${round}` : `${round}-${at}`));
      const results = await Promise.allSettled(texts.map((text) => ask(client, text)));
      const begun = readFileSync(log, 'utf8').split('\n');
      for (const [at, result] of results.entries()) {
        const [text = ''] = texts.slice(at, at + 1);
        assert.equal(begun.filter((line) => line === text).length, 1, `${text} was not executed once`);
        if (result.status === 'fulfilled') assert.equal(result.value, text);
        else assert.match(`${text}: ${String(result.reason)}`, /^kill.* was ended by SIGKILL/);
      }
      assert.equal(results.filter(({ status }) => status === 'rejected').length, 1);
    }
  } finally {
    await client.close();
  }
});

/** A coroutine that notes what it gets, and ends its process: at once, or after a response. */
const dyingCoroutine = (log: string, isDecoupled: boolean): string => `import os, signal
${IMPORTS}
class TritonPythonModel:
    async def execute(self, requests):
        values = requests[0].inputs()[0].as_numpy()
        with open("${log}", "ab") as file:
            file.write(values[0] + b"\\n")
        ${isDecoupled ? 'requests[0].get_response_sender().send(pb_utils.InferenceResponse([pb_utils.Tensor("OUT", values)]))' : ''}
        os.kill(os.getpid(), signal.SIGKILL)
`;

for (const isDecoupled of [false, true]) {
  const what = isDecoupled ? 'a decoupled coroutine' : 'a coroutine';
  test(`the request of ${what} that ends its process fails, and is not executed again`, LIMIT, async () => {
    await using repository = makeRepository();
    const log = join(repository.path, 'begun');
    const more = isDecoupled ? 'model_transaction_policy { decoupled: true }' : '';
    repository.write('faulty', {
      'config.pbtxt': pythonConfig('STRING', more),
      '1/model.py': dyingCoroutine(log, isDecoupled),
    });
    await using server = await servePython(repository);
    const client = new GrpcClient(server.grpc);
    try {
      const ended = (async () => {
        const requests = [{ modelName: 'faulty', inputs: [InferInput.from('IN', ['fatal'])] }];
        for await (const response of client.inferStream(requests))
          if ('error' in response) throw response.error;
      })();
      await assert.rejects(ended, /was ended by SIGKILL/);
    } finally {
      await client.close();
    }
    assert.equal(readFileSync(log, 'utf8'), 'fatal\n');
  });
}

test('a process that is stopped is noticed and replaced', LIMIT, async () => {
  const flags = ['--backend-config=python,heartbeat-timeout-seconds=2'];
  await serveFaulty(
    pythonConfig('STRING'),
    async (client, server) => {
      const [stub = 0] = stubsOf(server);
      process.kill(stub, 'SIGSTOP');
      // It never got the request, which therefore goes to the next one.
      assert.equal(await ask(client, 'not lost'), 'not lost');
      assert.match(server.output(), /was killed: it showed no sign of life for 2 s .*; it is started again/);
      assert.ok(!isAlive(stub));
    },
    flags,
  );
});

test(
  'nothing that a model started outlives its process, nor its process a server that is killed',
  LIMIT,
  async () => {
    await serveFaulty(pythonConfig('STRING'), async (client, server) => {
      const orphan = Number(await ask(client, 'child'));
      assert.ok(isAlive(orphan));
      await assert.rejects(ask(client, 'kill'));
      await until(() => !isAlive(orphan));

      const pids = [Number(await ask(client, 'child')), ...stubsOf(server)];
      // In the midst of an execution that never looks up.
      const open = ask(client, 'spin').catch(() => undefined);
      server.process.kill('SIGKILL');
      await open;
      for (const pid of pids) await until(() => !isAlive(pid));
    });
  },
);

test('readiness says no until the process is back; what waits is served then', LIMIT, async () => {
  await using repository = makeRepository();
  const gate = join(repository.path, '..', `${Date.now()}-gate`);
  writeFileSync(gate, '');
  repository.write('faulty', {
    'config.pbtxt': pythonConfig('STRING'),
    '1/model.py': FAULTY.replace(
      'class TritonPythonModel:',
      `import time
class TritonPythonModel:
    def initialize(self, args):
        while not os.path.exists("${gate}"):
            time.sleep(0.01)
`,
    ),
  });
  await using server = await servePython(repository);
  const http = new HttpClient(server.http);
  const grpc = new GrpcClient(server.grpc);
  try {
    rmSync(gate);
    await assert.rejects(ask(http, 'kill'));
    assert.equal(await grpc.modelReady('faulty'), false);
    const waiting = Promise.all(['one', 'two', 'three'].map((text) => ask(http, text)));
    assert.equal((await fetch(`${server.http}/v2/models/faulty/ready`)).status, 400);
    writeFileSync(gate, '');
    assert.deepEqual(await waiting, ['one', 'two', 'three']);
    assert.equal(await grpc.modelReady('faulty'), true);
  } finally {
    rmSync(gate, { force: true });
    await http.close();
    await grpc.close();
  }
});

test('a process that can not start again says why, and is tried again', LIMIT, async () => {
  await using repository = makeRepository();
  const broken = join(repository.path, '..', `${Date.now()}-broken`);
  repository.write('faulty', {
    'config.pbtxt': pythonConfig('STRING'),
    '1/model.py': FAULTY.replace(
      'class TritonPythonModel:',
      `class TritonPythonModel:
    def initialize(self, args):
        if os.path.exists("${broken}"):
            raise RuntimeError("the weights are gone")
`,
    ),
  });
  await using server = await servePython(repository);
  const client = new HttpClient(server.http);
  try {
    writeFileSync(broken, '');
    await assert.rejects(ask(client, 'kill'));
    await assert.rejects(ask(client, 'x'), /could not be started again: RuntimeError: the weights are gone/);
    assert.match(server.output(), /Traceback.*the weights are gone/s);
    rmSync(broken);
    await until(async () => (await fetch(`${server.http}/v2/models/faulty/ready`)).status === 200);
    assert.equal(await ask(client, 'healed'), 'healed');
  } finally {
    rmSync(broken, { force: true });
    await client.close();
  }
});

test('a crash at the start fails the load with how it ended', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('faulty', {
    'config.pbtxt': pythonConfig('STRING'),
    '1/model.py': 'import os, sys\nprint("no licence", file=sys.stderr)\nos._exit(7)\n',
  });
  await assert.rejects(servePython(repository), /ended with status 7; its last words: no licence/);
});

test('finalize that raises, and one that hangs, do not keep the server', LIMIT, async () => {
  await using repository = makeRepository();
  const bodies = { raising: 'raise RuntimeError("not now")', hanging: 'import time; time.sleep(600)' };
  for (const [name, body] of Object.entries(bodies)) {
    repository.write(name, {
      'config.pbtxt': pythonConfig('STRING'),
      '1/model.py': `${FAULTY}\n    def finalize(self):\n        ${body}\n`,
    });
  }
  const server = await servePython(repository);
  const stubs = stubsOf(server);
  assert.equal(stubs.length, 2);
  assert.equal(await server.stop(), 0);
  assert.match(server.output(), /finalize failed: RuntimeError: not now/);
  assert.match(server.output(), /was killed: finalize did not return within 5 s/);
  for (const pid of stubs) assert.ok(!isAlive(pid));
});

test('a traceback in the log carries the id of its request', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('faulty', {
    'config.pbtxt': pythonConfig('STRING'),
    '1/model.py': FAULTY.replace(
      'def spin(self):',
      'def raising(self):\n        raise KeyError("lost")\n\n    def spin(self):',
    ),
  });
  await using server = await servePython(repository);
  const client = new HttpClient(server.http);
  try {
    await assert.rejects(
      client.infer('faulty', [InferInput.from('IN', ['raising'])], { requestId: 'request-17' }),
      /KeyError: 'lost'/,
    );
    assert.match(server.output(), /Traceback.*KeyError.*request_id="request-17"/);
  } finally {
    await client.close();
  }
});
assert.ok(existsSync('/proc'), 'these tests look at processes in /proc');
