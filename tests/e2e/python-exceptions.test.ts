/** What models raise beside ordinary exceptions, and what copies of their processes and their children do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceServerError } from '@nereid/client';
import { askable, withModel } from '../server/askable-model.ts';

const LIMIT = { timeout: 90_000 };

for (const [kind, execute, wait] of [
  ['a function', 'def execute', ''],
  ['a coroutine', 'async def execute', 'await '],
] as const) {
  test(`whatever ${kind} raises fails its request alone, sys.exit apart`, LIMIT, async () => {
    const method = execute.replace('execute', '');
    const model = askable(
      `
${method}pid(self, _):
    import os
    return os.getpid()

${method}cancelled(self, _):
    raise asyncio.CancelledError()

${method}interrupted(self, _):
    raise KeyboardInterrupt()

${method}closed(self, _):
    raise GeneratorExit()

${method}mute(self, _):
    class Mute(BaseException):
        def __str__(self):
            raise ValueError("no text")
    raise Mute()

${method}exit(self, _):
    sys.exit(3)
`,
      execute,
      wait,
    );
    await withModel(model, async ({ ask }) => {
      const before = await ask('pid');
      await assert.rejects(ask('cancelled'), /CancelledError/);
      await assert.rejects(ask('interrupted'), /KeyboardInterrupt/);
      await assert.rejects(ask('closed'), /GeneratorExit/);
      await assert.rejects(ask('mute'), /Mute: \(its text can't be had: ValueError\)/);
      assert.equal(await ask('pid'), before);
      await assert.rejects(ask('exit'), /ended with status 3/);
      assert.notEqual(await ask('pid'), before);
    });
  });
}

test('an exception has one of the eight codes', LIMIT, async () => {
  const model = askable(`
def wrong(self, _):
    raise pb_utils.TritonModelException("m", "TEAPOT")

def right(self, _):
    raise pb_utils.TritonModelException("m", pb_utils.TritonError.NOT_FOUND)
`).replace('except Exception as error:', 'except KeyError as error:');
  await withModel(model, async ({ ask }) => {
    await assert.rejects(ask('wrong'), /TritonModelException: expected a code .*found 'TEAPOT'/);
    await assert.rejects(
      ask('right'),
      (error: unknown) => error instanceof InferenceServerError && error.code === 'NOT_FOUND',
    );
  });
});

test('processes that a model starts end by a signal, which its own does not', LIMIT, async () => {
  const model = askable(`
def started(self, _):
    import subprocess
    child = subprocess.Popen(["sleep", "600"])
    child.terminate()
    return child.wait(20)

def copied(self, _):
    import multiprocessing, time
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    child.start()
    child.terminate()
    child.join(20)
    return child.exitcode

def own(self, _):
    import os, signal
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    return "alive"
`);
  await withModel(model, async ({ ask }) => {
    assert.equal(await ask('started'), -15);
    assert.equal(await ask('copied'), -15);
    assert.equal(await ask('own'), 'alive');
  });
});

test(
  'a copy of the process neither answers nor takes requests; its log lines go to stderr',
  LIMIT,
  async () => {
    const model = askable(`
def raising(self, _):
    import os
    child = os.fork()
    if child == 0:
        raise KeyError("of the copy")
    return ["original", os.waitpid(child, 0)[1] >> 8]

def logging(self, _):
    import os
    child = os.fork()
    if child == 0:
        pb_utils.Logger.log_info("a line of the copy")
        os._exit(0)
    return ["original", os.waitpid(child, 0)[1]]
`).replace('except Exception as error:', 'except IndexError as error:');
    await withModel(model, async ({ ask, server }) => {
      for (let round = 0; round < 3; round += 1) assert.deepEqual(await ask('raising'), ['original', 1]);
      assert.deepEqual(await ask('logging'), ['original', 0]);
      assert.match(server.output(), /KeyError: 'of the copy'/);
      assert.match(server.output(), /^a line of the copy$/m);
    });
  },
);
