import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerJson, startTestEngine } from './testing/test-engine.ts';
import { TokenTexts } from './token-texts.ts';

test('asks for each text once', async () => {
  await using started = await startTestEngine(({ body }, response) =>
    answerJson(response, { prompt: `<${String(body['tokens'])}>` }),
  );
  const texts = new TokenTexts();
  await texts.load([1, 2, 1], started.engine);
  await texts.load([2], started.engine);
  assert.deepEqual([texts.get(1), texts.get(2), texts.get(3)], ['<1>', '<2>', undefined]);
  const asked = started.seen.map(({ path, body }) => `${path} ${JSON.stringify(body)}`);
  assert.deepEqual(asked.toSorted(), [
    '/detokenize {"model":"engine-model","tokens":[1]}',
    '/detokenize {"model":"engine-model","tokens":[2]}',
  ]);
});

test('asks again when the engine could not tell it this time', async () => {
  let status = 500;
  await using started = await startTestEngine((_request, response) =>
    answerJson(response, { prompt: 'x' }, status),
  );
  const texts = new TokenTexts();
  await texts.load([1], started.engine);
  assert.equal(texts.get(1), undefined);
  status = 200;
  await texts.load([1], started.engine);
  assert.equal(texts.get(1), 'x');
});

test('asks no more where there is no such endpoint', async () => {
  await using started = await startTestEngine((_request, response) => answerJson(response, {}, 404));
  const texts = new TokenTexts();
  await texts.load([1], started.engine);
  await texts.load([2], started.engine);
  assert.equal(started.seen.length, 1);
});

test('an engine that does not answer holds up one token, not each', async () => {
  await using started = await startTestEngine(() => undefined);
  const texts = new TokenTexts({ limitMs: 20 });
  await texts.load([1], started.engine);
  assert.equal(texts.get(1), undefined);
  await started.seen[0]?.aborted;
  await texts.load([1, 2], started.engine);
  assert.equal(started.seen.length, 1);
});

test('an engine that did not answer is asked again later', async () => {
  let isSilent = true;
  await using started = await startTestEngine((_request, response) => {
    if (!isSilent) answerJson(response, { prompt: 'x' });
  });
  const texts = new TokenTexts({ limitMs: 20, restMs: 0 });
  await texts.load([1], started.engine);
  isSilent = false;
  await texts.load([1], started.engine);
  assert.equal(texts.get(1), 'x');
});
