/** Requests that a Python model lets go of: without an answer, without the end of its answers, or to answer them later. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrpcClient, InferInput } from '@nereid/client';
import { until } from '../llm/until.ts';
import { withModel } from '../server/askable-model.ts';
import { makeRepository } from '../server/make-repository.ts';
import { IMPORTS, pythonConfig, servePython } from '../server/python-models.ts';

const LIMIT = { timeout: 90_000 };
const DECOUPLED = 'model_transaction_policy { decoupled: true }';

const model = (execute: string): string => `import threading
${IMPORTS}
def response(value):
    return pb_utils.InferenceResponse([pb_utils.Tensor("OUT", np.array([value], dtype=np.int32))])

def answer(sender, lock):
    with lock:
        sender.send(response(1))

class TritonPythonModel:
    kept = []

    ${execute}
`;

const EXECUTES = {
  'does nothing': `def execute(self, requests):
        return [None] * len(requests)`,
  'keeps neither request nor sender': `def execute(self, requests):
        for request in requests:
            request.get_response_sender().send(response(1))`,
  'answers in a thread that ends': `def execute(self, requests):
        lock = threading.Lock()
        with lock:
            for request in requests:
                threading.Thread(target=answer, args=(request.get_response_sender(), lock)).start()`,
  'answers in a coroutine that ends': `async def execute(self, requests):
        for request in requests:
            request.get_response_sender().send(response(1))`,
};

/** What a decoupled model answers to one request: numbers, and the message of an error. */
async function hear(execute: string): Promise<(string | number)[]> {
  await using repository = makeRepository();
  repository.write('lossy', {
    'config.pbtxt': pythonConfig('INT32', DECOUPLED),
    '1/model.py': model(execute),
  });
  await using server = await servePython(repository);
  const client = new GrpcClient(server.grpc);
  try {
    const inputs = [InferInput.from('IN', new Int32Array([1]))];
    const heard: (string | number)[] = [];
    for await (const answer of client.inferStream([{ modelName: 'lossy', inputs }]))
      heard.push(...(answer.kind === 'result' ? answer.result.asNumbers('OUT') : [answer.error.message]));
    return heard;
  } finally {
    await client.close();
  }
}

for (const [what, execute] of Object.entries(EXECUTES)) {
  test(`a decoupled model that ${what} fails its request, and says why`, LIMIT, async () => {
    const heard = await hear(execute);
    const error = String(heard.pop());
    assert.match(error, /has let go of the request .*TRITONSERVER_RESPONSE_COMPLETE_FINAL/);
    assert.deepEqual(heard, what === 'does nothing' ? [] : [1]);
  });
}

const FINAL = 'pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL';

test('a last response that can not be sent fails the request of a coroutine', LIMIT, async () => {
  const execute = `async def execute(self, requests):
        for request in requests:
            request.get_response_sender().send("none", ${FINAL})`;
  const [error, ...more] = await hear(execute);
  assert.match(String(error), /expected an InferenceResponse, found str/);
  assert.deepEqual(more, []);
});

test('a last response that can not be sent does not end the request: another may', LIMIT, async () => {
  const execute = `def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            try:
                sender.send("none", ${FINAL})
            except TypeError:
                sender.send(response(1), ${FINAL})`;
  assert.deepEqual(await hear(execute), [1]);
});

test(
  'a model that is not decoupled and drops its sender fails the request, and serves the next',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    const execute = `def execute(self, requests):
        senders = [request.get_response_sender() for request in requests]
        if requests[0].inputs()[0].as_numpy()[0] == 1:
            senders[0].send(response(1))
        return [None] * len(requests)`;
    repository.write('lossy', { 'config.pbtxt': pythonConfig('INT32'), '1/model.py': model(execute) });
    await using server = await servePython(repository);
    const client = new GrpcClient(server.grpc);
    const infer = (value: number): ReturnType<typeof client.infer> =>
      client.infer('lossy', [InferInput.from('IN', new Int32Array([value]))]);
    try {
      await assert.rejects(infer(0), /has let go of the request/);
      assert.deepEqual((await infer(1)).asNumbers('OUT'), [1]);
    } finally {
      await client.close();
    }
  },
);

test(
  'a model that is not decoupled gets the next request while it has not answered the last',
  LIMIT,
  async () => {
    const text = `${IMPORTS}
class TritonPythonModel:
    def initialize(self, args):
        self.open = []

    def execute(self, requests):
        self.open += [(request.get_response_sender(), request.inputs()[0]) for request in requests]
        if len(self.open) == 2:
            for sender, given in self.open:
                sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("OUT", given.as_numpy())]))
            self.open = []
        return [None] * len(requests)
`;
    await withModel(text, async ({ client }) => {
      const answers = ['a', 'b', 'c', 'd'].map((given) =>
        client.infer('asked', [InferInput.from('IN', [given])]),
      );
      assert.deepEqual(
        (await Promise.all(answers)).map((answer) => answer.asStrings('OUT')),
        [['a'], ['b'], ['c'], ['d']],
      );
    });
  },
);

test(
  'a model that is not decoupled may answer after execute has returned None, and hears of a cancellation',
  LIMIT,
  async () => {
    const model = `${IMPORTS}import threading, time
class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            threading.Thread(target=self.answer, args=(request.get_response_sender(), request.inputs()[0])).start()

    def answer(self, sender, text):
        while text.as_numpy()[0] == b"wait" and not sender.is_cancelled():
            time.sleep(0.02)
        print("cancelled" if sender.is_cancelled() else "there")
        response = pb_utils.InferenceResponse([pb_utils.Tensor("OUT", text.as_numpy())])
        sender.send(response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
`;
    await withModel(model, async ({ client, server }) => {
      for (const text of ['a', 'b']) {
        const answer = await client.infer('asked', [InferInput.from('IN', [text])]);
        assert.deepEqual(answer.asStrings('OUT'), [text]);
      }
      const signal = AbortSignal.timeout(500);
      await assert.rejects(client.infer('asked', [InferInput.from('IN', ['wait'])], { signal }));
      await until(() => (server.output().includes('cancelled') ? true : undefined));
      assert.doesNotMatch(server.output(), /must return a list/);
    });
  },
);
