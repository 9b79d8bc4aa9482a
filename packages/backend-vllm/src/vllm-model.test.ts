import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { decodeStrings } from '@nereid/backend-sdk';
import { createTestHost, type TestModel, type TestModelInit } from '@nereid/backend-sdk/testing';
import vllmBackend from './index.ts';
import { answerJson, beginEvents, event, startTestEngine, textEvent } from './testing/test-engine.ts';
import { textRequest } from './testing/test-request.ts';

const started = await startTestEngine(({ body }, response) => {
  if (body['stream'] !== true) {
    answerJson(response, { choices: [{ index: 0, text: '!', finish_reason: 'stop' }] });
    return;
  }
  beginEvents(response);
  response.end(textEvent('a') + textEvent('b', { finish_reason: 'stop' }) + event('[DONE]'));
});
after(() => started[Symbol.asyncDispose]());

function model(parameters: Readonly<Record<string, string>> = {}): TestModelInit {
  const all = { engine_url: started.engine.url.href, engine_model: 'engine-model', ...parameters };
  const entries = Object.entries(all).map(([name, value]) => [name, { string_value: value }]);
  return {
    config: { parameters: Object.fromEntries(entries), model_transaction_policy: { decoupled: true } },
  };
}

/** Loads a model for as long as it is used. */
async function withModel<T>(init: TestModelInit, use: (loaded: TestModel) => Promise<T>): Promise<T> {
  const host = await createTestHost(vllmBackend);
  try {
    return await use(await host.load(init));
  } finally {
    await host.close();
  }
}

test('completes a configuration to one that it completes no further', () =>
  withModel(model(), async ({ config }) => {
    await withModel({ ...model(), config }, (again) =>
      Promise.resolve(assert.deepEqual(again.config, config)),
    );
  }));

test('answers every request of a batch, cancelled and wrong ones among them, once to the end', () =>
  withModel(model(), async (loaded) => {
    const inputs = [
      { text_input: 'p', stream: true },
      { text_input: 'p' },
      { stream: true },
      { text_input: 'q' },
    ];
    const requests = inputs.map((given) => loaded.request({ inputs: textRequest(given).inputs }));
    requests[1]?.cancel();
    await loaded.execute(requests);
    assert.deepEqual(
      requests.map(({ responses }) => [
        responses.filter(({ final }) => final).length,
        responses.at(-1)?.error?.code,
      ]),
      [
        [1, undefined],
        [1, 'CANCELLED'],
        [1, 'INVALID_ARG'],
        [1, undefined],
      ],
    );
  }));

test('reads inputs in shared memory, which it does not change', () =>
  withModel(model(), async (loaded) => {
    const inputs = textRequest({ text_input: 'shared' }).inputs.map((input) => {
      const data = new Uint8Array(new SharedArrayBuffer(input.data.byteLength + 3), 3);
      data.set(input.data);
      return { ...input, data };
    });
    const before = inputs.map(({ data }) => Buffer.from(data));
    const [request] = await loaded.run([{ inputs }]);
    assert.deepEqual(
      request?.responses.flatMap(({ outputs }) => outputs.flatMap(decodeStrings)),
      ['shared!'],
    );
    assert.deepEqual(
      inputs.map(({ data }) => Buffer.from(data)),
      before,
    );
  }));

test('is loaded, served and unloaded again and again, several models at once', async () => {
  const host = await createTestHost(vllmBackend);
  const kept = await host.load(model());
  for (let load = 0; load < 3; load += 1) {
    const loaded = await host.load(model());
    await loaded.run([{ inputs: textRequest({ text_input: 'p' }).inputs }]);
    await loaded.unload();
  }
  const [request] = await kept.run([{ inputs: textRequest({ text_input: 'p' }).inputs }]);
  await host.close();
  assert.equal(request?.responses[0]?.error, undefined);
});

test('asks the engine by the name that it has for the model', () =>
  withModel(model(), async (loaded) => {
    const [request] = await loaded.run([{ inputs: textRequest({ text_input: 'p' }).inputs }]);
    assert.deepEqual(
      request?.responses.flatMap(({ outputs }) => outputs.flatMap(decodeStrings)),
      ['p!'],
    );
    assert.equal(started.seen.at(-1)?.body['model'], 'engine-model');
  }));

test('refuses both kinds of request at once', () =>
  withModel(model(), async (loaded) => {
    const { inputs } = textRequest({ text_input: 'p', openai_request: '{}' });
    const [request] = await loaded.run([{ inputs }]);
    const message = request?.responses[0]?.error?.message ?? '';
    assert.match(message, /expected one of the inputs 'text_input' and 'openai_request'/);
  }));

test('refuses an ignore_parameters that is no regular expression', async () => {
  const wrong = model({ ignore_parameters: '(' });
  await assert.rejects(
    withModel(wrong, () => Promise.resolve()),
    {
      code: 'INVALID_ARG',
      message: "model 'model', parameter 'ignore_parameters': expected a regular expression, found '('",
    },
  );
});
