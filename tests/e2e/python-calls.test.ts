/** Python models that let go of what they asked other models for, or read their streams slowly. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { HttpClient, InferInput } from '@nereid/client';
import { until } from '../llm/until.ts';
import { askable } from '../server/askable-model.ts';
import { makeRepository } from '../server/make-repository.ts';
import { pythonConfig, servePython } from '../server/python-models.ts';
import { floodModel, untilCancelledModel } from '../server/script-models.ts';

const LIMIT = { timeout: 120_000 };
const COUNT = 200;
const SIZE = 1 << 20;
/** What may wait for the model (32 MiB), and what the server and the other model have under way. */
const MOST_MADE = 100;

const CALLS = `
def flood(self):
    inputs = [pb_utils.Tensor(name, np.array([value], np.int32)) for name, value in (("COUNT", ${COUNT}), ("SIZE", ${SIZE}))]
    return pb_utils.InferenceRequest(model_name="flood", requested_output_names=["INDEX", "TEXT"], inputs=inputs)

def made(self):
    with open(os.path.join(pb_utils.get_model_dir(), "../../flood/1/progress")) as file:
        return file.read()

def index(self, response):
    return int(response.output_tensors()[0].as_numpy()[0])

def leave(self, _):
    return self.index(next(self.flood().exec(decoupled=True)))

def never_look(self, _):
    self.flood().exec(decoupled=True)
    return 0

def slowly(self, _):
    responses = self.flood().exec(decoupled=True)
    found, made, before = [self.index(next(responses))], self.made(), None
    while made != before:
        time.sleep(0.5)
        made, before = self.made(), made
    return [int(made), found + [self.index(response) for response in responses]]
`;

const COROUTINES = `
async def leave_coroutine(self, _):
    async for response in await self.flood().async_exec(decoupled=True):
        return self.index(response)

async def give_up(self, _):
    tensor = pb_utils.Tensor("HOLD", np.array([1], np.int32))
    call = pb_utils.InferenceRequest(model_name="hold", requested_output_names=["CANCELLED"], inputs=[tensor])
    try:
        await asyncio.wait_for(call.async_exec(), 0.5)
    except asyncio.TimeoutError:
        return "given up"
`;

interface Asked {
  readonly client: HttpClient;
  ask(method: string): Promise<unknown>;
  /** What `flood` has made of its responses: their number, and `!` when it has ended. */
  made(): string;
}

/** Serves the model as `asked`, beside one that floods it and one that holds its requests. */
async function withModel(model: string, use: (asked: Asked) => Promise<void>): Promise<void> {
  await using repository = makeRepository();
  repository.write('asked', { 'config.pbtxt': pythonConfig('STRING'), '1/model.py': model });
  repository.write('flood', floodModel());
  repository.write('hold', untilCancelledModel());
  await using server = await servePython(repository);
  const client = new HttpClient(server.http);
  try {
    await use({
      client,
      ask: async (method) => {
        const result = await client.infer('asked', [InferInput.from('IN', [method])]);
        return JSON.parse(result.asStrings('OUT')[0] ?? 'null');
      },
      made: () => readFileSync(join(repository.path, 'flood/1/progress'), 'utf8'),
    });
  } finally {
    await client.close();
  }
}

const SYNCHRONOUS = askable(CALLS).replace('import asyncio', 'import asyncio, os, time');
const ASYNCHRONOUS = askable(CALLS + COROUTINES, 'async def execute', 'await ').replace(
  'import asyncio',
  'import asyncio, os, time',
);

describe('streams of other models', () => {
  test('a model that reads slowly holds back the one that it reads from', LIMIT, async () => {
    await withModel(SYNCHRONOUS, async ({ ask }) => {
      const [made, indices] = (await ask('slowly')) as [number, number[]];
      assert.ok(made < MOST_MADE, `${made} of ${COUNT} were made for a model that had taken one`);
      assert.deepEqual(indices, [...Array(COUNT).keys()]);
    });
  });

  for (const [how, model, method] of [
    ['a model', SYNCHRONOUS, 'leave'],
    ['a coroutine', ASYNCHRONOUS, 'leave_coroutine'],
  ] as const) {
    test(`one that ${how} lets go of amid its responses is cancelled`, LIMIT, async () => {
      await withModel(model, async ({ ask, made }) => {
        assert.equal(await ask(method), 0);
        const end = await until(() => (made().endsWith('!') ? made() : undefined));
        assert.ok(Number.parseInt(end, 10) < MOST_MADE, `it ended after ${end}`);
      });
    });
  }

  test('one that nobody looked at is not: all of it is made, and read by nobody', LIMIT, async () => {
    await withModel(SYNCHRONOUS, async ({ ask, made }) => {
      assert.equal(await ask('never_look'), 0);
      await until(() => (made() === `${COUNT}!` ? true : undefined));
    });
  });
});

test('a call that a coroutine gives up is cancelled', LIMIT, async () => {
  await withModel(ASYNCHRONOUS, async ({ ask, client }) => {
    assert.equal(await ask('give_up'), 'given up');
    await until(async () => {
      const counts = await client.infer('hold', [InferInput.from('HOLD', new Int32Array([0]))]);
      return counts.asNumbers('RUNNING')[0] === 0 ? true : undefined;
    });
  });
});
