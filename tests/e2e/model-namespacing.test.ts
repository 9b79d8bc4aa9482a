/** Repositories with models of the same names, served for real: every situation over HTTP and gRPC. */
import assert from 'node:assert/strict';
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { GrpcClient, HttpClient, InferInput, type InferenceClient } from '@nereid/client';
import { makeRepository, type ModelFiles, type TemporaryRepository } from '../server/make-repository.ts';
import { runNereid, startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 90_000 };
const POLL = ['--model-control-mode=poll', '--repository-poll-secs=1'];
const EXPLICIT = ['--model-control-mode=explicit'];
const INT = 'data_type: TYPE_INT32 dims: [1]';
const TENSORS = `input [{ name: "A" ${INT} }, { name: "B" ${INT} }] output [{ name: "OUT" ${INT} }]`;

/** Answers the sum or the difference of A and B. */
function model(operator: '+' | '-', config = ''): ModelFiles {
  return {
    'config.pbtxt': `backend: "script" ${TENSORS} ${config}`,
    '1/model.ts': `export default {
      execute(request) {
        const [a] = request.input('A').values('INT32');
        const [b] = request.input('B').values('INT32');
        return { outputs: { OUT: [a ${operator} b] } };
      },
    };`,
  };
}

/** Calls another model by its name. */
function caller(called: string): ModelFiles {
  return {
    'config.pbtxt': `backend: "script" ${TENSORS}`,
    '1/model.ts': `export default {
      async execute(request, context) {
        const given = (name) => Int32Array.from(request.input(name).values('INT32'));
        const inputs = { A: { shape: [1], values: given('A') }, B: { shape: [1], values: given('B') } };
        const response = await context.infer({ model: '${called}', inputs });
        return { outputs: { OUT: [...response.output('OUT').values('INT32')] } };
      },
    };`,
  };
}

/** Hands its inputs to another model. */
function ensemble(composing: string, namespace = ''): ModelFiles {
  const named = namespace === '' ? '' : `model_namespace: "${namespace}"`;
  return {
    'config.pbtxt': `platform: "ensemble" ${TENSORS}
      ensemble_scheduling { step [{ model_name: "${composing}" model_version: -1 ${named}
        input_map [{ key: "A" value: "A" }, { key: "B" value: "B" }]
        output_map { key: "OUT" value: "OUT" } }] }`,
    '1/.keep': '',
  };
}

interface Served extends AsyncDisposable {
  readonly server: RunningServer;
  /** Of both protocols. */
  readonly clients: readonly InferenceClient[];
  readonly client: HttpClient;
}

async function serve(
  repositories: readonly TemporaryRepository[],
  ...flags: readonly string[]
): Promise<Served> {
  const [first, ...others] = repositories.map(({ path }) => path);
  const more = others.map((path) => `--model-repository=${path}`);
  const server = await startServer(first ?? '', '--model-namespacing=true', ...more, ...flags);
  const client = new HttpClient(server.http);
  const clients = [client, new GrpcClient(server.grpc)];
  return {
    server,
    client,
    clients,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((one) => one.close()));
      await server[Symbol.asyncDispose]();
    },
  };
}

/** What a model makes of 5 and 3. */
async function answerOf(client: InferenceClient, name: string): Promise<number | undefined> {
  const inputs = [['A', 5] as const, ['B', 3] as const].map(([input, value]) =>
    InferInput.from(input, Int32Array.of(value), [1]),
  );
  return [...(await client.infer(name, inputs)).output('OUT', 'INT32')][0];
}

const SUM = 8;
const DIFFERENCE = 2;

async function assertAnswers({ clients }: Served, expected: Readonly<Record<string, number>>): Promise<void> {
  for (const client of clients)
    for (const [name, answer] of Object.entries(expected))
      assert.equal(await answerOf(client, name), answer, `${name} over ${client.constructor.name}`);
}

/** Two namespaces have it: it is refused by every call that names it, which tells where it is. */
async function assertAmbiguous(
  { clients }: Served,
  name: string,
  repositories: readonly TemporaryRepository[],
): Promise<void> {
  for (const client of clients) {
    const calls = [
      () => answerOf(client, name),
      () => client.modelMetadata(name),
      () => client.modelConfig(name),
      () => client.modelStatistics(name),
    ];
    for (const call of calls) {
      await assert.rejects(call, (error: { readonly code: string; readonly message: string }) => {
        assert.equal(error.code, 'INVALID_ARG');
        assert.match(error.message, /^There are \d identifiers of model '.*' .* to resolve ambiguity/);
        for (const { path } of repositories) assert.ok(error.message.includes(`'${path}'`), error.message);
        return true;
      });
    }
    assert.equal(await client.modelReady(name), false);
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await setTimeout(20);
}

/** Each repository has an ensemble and the model that it is made of, of its own names. */
function addNoDuplication(adding: TemporaryRepository, subtracting: TemporaryRepository): void {
  adding.write('composing_add', model('+'));
  adding.write('ensemble_add', ensemble('composing_add'));
  subtracting.write('composing_sub', model('-'));
  subtracting.write('ensemble_sub', ensemble('composing_sub'));
}

const NO_DUPLICATION = {
  composing_add: SUM,
  ensemble_add: SUM,
  composing_sub: DIFFERENCE,
  ensemble_sub: DIFFERENCE,
};

/** Both repositories have a model of one name, which their ensembles are made of. */
function addDuplication(adding: TemporaryRepository, subtracting: TemporaryRepository): void {
  adding.write('composing', model('+'));
  adding.write('ensemble_add', ensemble('composing'));
  subtracting.write('composing', model('-'));
  subtracting.write('ensemble_sub', ensemble('composing'));
}

/** Both repositories have an ensemble of one name, made of models of their own names. */
function addEnsembleDuplication(adding: TemporaryRepository, subtracting: TemporaryRepository): void {
  adding.write('composing_add', model('+'));
  adding.write('ensemble', ensemble('composing_add'));
  subtracting.write('composing_sub', model('-'));
  subtracting.write('ensemble', ensemble('composing_sub'));
}

for (const [mode, flags] of [
  ['none', []],
  ['poll', POLL],
] as const) {
  test(`mode ${mode}: names that are unique are served as without namespaces`, LIMIT, async () => {
    await using adding = makeRepository();
    await using subtracting = makeRepository();
    addNoDuplication(adding, subtracting);
    await using served = await serve([adding, subtracting], ...flags);
    await assertAnswers(served, NO_DUPLICATION);
    assert.equal(await served.client.serverReady(), true);
  });

  test(
    `mode ${mode}: ensembles take the model of their own repository, clients get no other's`,
    LIMIT,
    async () => {
      await using adding = makeRepository();
      await using subtracting = makeRepository();
      addDuplication(adding, subtracting);
      await using served = await serve([adding, subtracting], ...flags);
      await assertAnswers(served, { ensemble_add: SUM, ensemble_sub: DIFFERENCE });
      await assertAmbiguous(served, 'composing', [adding, subtracting]);
      assert.equal(await served.client.serverReady(), true);
    },
  );

  test(`mode ${mode}: ensembles of one name are ambiguous, what they are made of is not`, LIMIT, async () => {
    await using adding = makeRepository();
    await using subtracting = makeRepository();
    addEnsembleDuplication(adding, subtracting);
    await using served = await serve([adding, subtracting], ...flags);
    await assertAnswers(served, { composing_add: SUM, composing_sub: DIFFERENCE });
    await assertAmbiguous(served, 'ensemble', [adding, subtracting]);
  });
}

test(
  'mode explicit: loading ensembles brings along the models of their own repositories',
  LIMIT,
  async () => {
    await using adding = makeRepository();
    await using subtracting = makeRepository();
    addNoDuplication(adding, subtracting);
    await using served = await serve([adding, subtracting], ...EXPLICIT);
    for (const client of served.clients) {
      for (const name of ['ensemble_add', 'ensemble_sub']) await client.loadModel(name);
      await assertAnswers(served, NO_DUPLICATION);
      for (const name of Object.keys(NO_DUPLICATION)) await client.unloadModel(name);
    }
  },
);

test('mode explicit: ensembles bring along models of one name', LIMIT, async () => {
  await using adding = makeRepository();
  await using subtracting = makeRepository();
  addDuplication(adding, subtracting);
  await using served = await serve([adding, subtracting], ...EXPLICIT);
  for (const name of ['ensemble_add', 'ensemble_sub']) await served.client.loadModel(name);
  await assertAnswers(served, { ensemble_add: SUM, ensemble_sub: DIFFERENCE });
  await assertAmbiguous(served, 'composing', [adding, subtracting]);
});

test(
  'mode explicit: a name of several repositories is loaded and unloaded in all of them',
  LIMIT,
  async () => {
    await using adding = makeRepository();
    await using subtracting = makeRepository();
    addEnsembleDuplication(adding, subtracting);
    await using served = await serve([adding, subtracting], ...EXPLICIT, '--load-model=ensemble');
    await assertAnswers(served, { composing_add: SUM, composing_sub: DIFFERENCE });
    await assertAmbiguous(served, 'ensemble', [adding, subtracting]);
    await served.client.unloadModel('ensemble', { unloadDependents: true });
    for (const client of served.clients) {
      for (const name of ['ensemble', 'composing_add', 'composing_sub'])
        await assert.rejects(answerOf(client, name), {
          code: 'NOT_FOUND',
          message: `Request for unknown model: '${name}' has no available versions`,
        });
    }
    await served.client.loadModel('ensemble');
    await assertAnswers(served, { composing_add: SUM, composing_sub: DIFFERENCE });
  },
);

test('mode explicit: files of a load request stand for one model only', LIMIT, async () => {
  await using adding = makeRepository();
  await using subtracting = makeRepository();
  addDuplication(adding, subtracting);
  await using served = await serve([adding, subtracting], ...EXPLICIT, '--load-model=ensemble_add');
  const { 'config.pbtxt': _config, ...sources } = model('-');
  const override = {
    config: JSON.stringify(await served.client.modelConfig('composing')),
    files: Object.fromEntries(Object.entries(sources).map(([path, text]) => [path, Buffer.from(text)])),
  };
  await assert.rejects(served.client.loadModel('composing', override), {
    code: 'INVALID_ARG',
    message: /^files of a load request can't stand for model 'composing': it is in '.*', '.*', expected one/,
  });
  subtracting.remove('composing');
  await served.client.loadModel('composing', override);
  await assertAnswers(served, { composing: DIFFERENCE, ensemble_add: DIFFERENCE });
});

test('mode poll: ensembles follow models that go and come', LIMIT, async () => {
  await using adding = makeRepository();
  await using subtracting = makeRepository();
  addDuplication(adding, subtracting);
  await using served = await serve([adding, subtracting], ...POLL);
  adding.remove('composing');
  await until(() => served.client.modelReady('composing'));
  await until(async () => (await answerOf(served.client, 'ensemble_add')) === DIFFERENCE);
  await assertAnswers(served, { composing: DIFFERENCE, ensemble_add: DIFFERENCE, ensemble_sub: DIFFERENCE });
  adding.write('composing', model('+'));
  await until(async () => !(await served.client.modelReady('composing')));
  await until(async () => (await answerOf(served.client, 'ensemble_add')) === SUM);
  await assertAnswers(served, { ensemble_add: SUM, ensemble_sub: DIFFERENCE });
  await assertAmbiguous(served, 'composing', [adding, subtracting]);
});

test('mode explicit: loading an ensemble again finds the models that are there then', LIMIT, async () => {
  await using adding = makeRepository();
  await using subtracting = makeRepository();
  addDuplication(adding, subtracting);
  adding.remove('composing');
  await using served = await serve([adding, subtracting], ...EXPLICIT);
  for (const name of ['ensemble_add', 'ensemble_sub']) await served.client.loadModel(name);
  await assertAnswers(served, { composing: DIFFERENCE, ensemble_add: DIFFERENCE, ensemble_sub: DIFFERENCE });
  adding.write('composing', model('+'));
  await served.client.loadModel('ensemble_add');
  await assertAnswers(served, { ensemble_add: SUM, ensemble_sub: DIFFERENCE });
  await assertAmbiguous(served, 'composing', [adding, subtracting]);
});

test('an ensemble whose model is in two other namespaces waits until it is in one', LIMIT, async () => {
  await using adding = makeRepository();
  await using subtracting = makeRepository();
  await using asking = makeRepository();
  addDuplication(adding, subtracting);
  asking.write('asking', ensemble('composing'));
  await using served = await serve([adding, subtracting, asking], ...POLL, '--exit-on-error=false');
  const { client, server } = served;
  assert.equal(await client.serverReady(), false);
  assert.ok(
    server
      .output()
      .includes(
        `ensemble ${asking.path}/asking contains models that are not available or ambiguous: composing (in `,
      ),
    server.output(),
  );
  subtracting.remove('composing');
  await until(() => client.modelReady('asking'));
  await assertAnswers(served, { asking: SUM });
  subtracting.write('composing', model('-'));
  await until(async () => !(await client.modelReady('asking')));
  const [row] = (await client.repositoryIndex()).filter(({ name }) => name === 'asking');
  assert.match(row?.reason ?? '', /contains models that are not available or ambiguous: composing/);
  asking.write('asking', ensemble('composing', subtracting.path));
  await until(() => client.modelReady('asking'));
  await assertAnswers(served, { asking: DIFFERENCE });
  assert.equal(await client.serverReady(), true);
});

test('a step can name the namespace of its model, and must find it there', LIMIT, async () => {
  await using adding = makeRepository();
  await using subtracting = makeRepository();
  addDuplication(adding, subtracting);
  adding.write('crossing', ensemble('composing', subtracting.path));
  await using served = await serve([adding, subtracting], ...EXPLICIT);
  await served.client.loadModel('crossing');
  await assertAnswers(served, { crossing: DIFFERENCE });
  const { ensemble_scheduling: scheduling } = await served.client.modelConfig('crossing');
  assert.ok(JSON.stringify(scheduling).includes(`"model_namespace":"${subtracting.path}"`));
  adding.write('crossing', ensemble('composing', '/elsewhere'));
  await assert.rejects(served.client.loadModel('crossing'), {
    message:
      /contains models that are not available or ambiguous: composing \(in '.*', '.*', not in '\/elsewhere'\)/,
  });
  await assertAnswers(served, { crossing: DIFFERENCE });
});

test('ensembles come back with the model that was unloaded under them', LIMIT, async () => {
  await using adding = makeRepository();
  await using subtracting = makeRepository();
  addDuplication(adding, subtracting);
  await using served = await serve([adding, subtracting], ...EXPLICIT, '--load-model=*');
  await served.client.unloadModel('composing');
  for (const name of ['ensemble_add', 'ensemble_sub'])
    assert.equal(await served.client.modelReady(name), false);
  await served.client.loadModel('composing');
  await assertAnswers(served, { ensemble_add: SUM, ensemble_sub: DIFFERENCE });
});

test('models that call others reach those of their own repository, and unique ones', LIMIT, async () => {
  await using adding = makeRepository();
  await using subtracting = makeRepository();
  await using asking = makeRepository();
  addDuplication(adding, subtracting);
  adding.write('calling_add', caller('composing'));
  subtracting.write('calling_sub', caller('composing'));
  asking.write('calling_unique', caller('calling_add'));
  asking.write('calling_any', caller('composing'));
  await using served = await serve([adding, subtracting, asking]);
  await assertAnswers(served, { calling_add: SUM, calling_sub: DIFFERENCE, calling_unique: SUM });
  for (const client of served.clients)
    await assert.rejects(answerOf(client, 'calling_any'), /resolve ambiguity/);
});

test('index, statistics and metrics tell models of one name apart', LIMIT, async () => {
  await using adding = makeRepository();
  await using subtracting = makeRepository();
  addDuplication(adding, subtracting);
  await using served = await serve([adding, subtracting]);
  await assertAnswers(served, { ensemble_add: SUM });
  const { http, metrics } = served.server;
  const index = await fetch(`${http}/v2/repository/index`, { method: 'POST' });
  assert.deepEqual(
    ((await index.json()) as readonly { readonly name: string }[]).filter(({ name }) => name === 'composing'),
    [adding, subtracting].map(({ path }) => ({
      name: 'composing',
      namespace: path,
      version: '1',
      state: 'READY',
    })),
  );
  const statistics = (await (await fetch(`${http}/v2/models/stats`)).json()) as {
    readonly model_stats: readonly Readonly<Record<string, unknown>>[];
  };
  const counts = statistics.model_stats
    .filter(({ name }) => name === 'composing')
    .map(({ namespace, execution_count: count }) => [namespace, count]);
  assert.deepEqual(counts, [
    [adding.path, 2],
    [subtracting.path, 0],
  ]);
  const page = await (await fetch(`${metrics}/metrics`)).text();
  const labels = `model="composing",namespace="${adding.path}",version="1"`;
  assert.ok(page.includes(`nv_inference_count{${labels}} 2`), page);
});

test(
  'answers of models with the same files are not taken for one another by the response cache',
  LIMIT,
  async () => {
    await using adding = makeRepository();
    await using subtracting = makeRepository();
    const cached = 'response_cache { enable: true }';
    for (const [repository, operator, name] of [
      [adding, '+', 'ensemble_add'],
      [subtracting, '-', 'ensemble_sub'],
    ] as const) {
      repository.write('composing', model(operator, cached));
      repository.write(name, ensemble('composing'));
      // Of the same sizes and times, as in two copies of one repository.
      for (const file of readdirSync(join(repository.path, 'composing'), {
        recursive: true,
        encoding: 'utf8',
      }))
        utimesSync(join(repository.path, 'composing', file), 1, 1);
    }
    await using served = await serve([adding, subtracting], '--cache-config=local,size=1048576');
    await assertAnswers(served, { ensemble_add: SUM, ensemble_sub: DIFFERENCE });
  },
);

test('a name that no model has is INVALID_ARG with namespaces, NOT_FOUND without', LIMIT, async () => {
  await using adding = makeRepository();
  adding.write('composing', model('+'));
  const message = "Request for unknown model: 'nobody' is not found";
  await using served = await serve([adding]);
  for (const client of served.clients)
    await assert.rejects(answerOf(client, 'nobody'), { code: 'INVALID_ARG', message });
  await using server = await startServer(adding.path);
  const client = new HttpClient(server.http);
  await assert.rejects(answerOf(client, 'nobody'), { code: 'NOT_FOUND', message });
  await client.close();
});

test('without namespaces a name in two repositories is refused', LIMIT, async () => {
  await using adding = makeRepository();
  await using subtracting = makeRepository();
  addDuplication(adding, subtracting);
  const repositories = [adding, subtracting].map(({ path }) => `--model-repository=${path}`);
  const { status, output } = await runNereid('serve', ...repositories);
  assert.equal(status, 1);
  assert.match(output, /failed to load 'composing', .*: model appears in two or more repositories/);
});
