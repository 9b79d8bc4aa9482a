import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpClient, InferInput } from '@nereid/client';
import { identityModel, makeRepository } from '../server/make-repository.ts';
import { runNereid, startServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };
const DELAY_MS = 100;

function limited(count: number) {
  const model = identityModel({ delayMs: DELAY_MS });
  const limiter = `rate_limiter { resources [{ name: "slot" count: ${count} }] }`;
  return {
    ...model,
    'config.pbtxt': (model['config.pbtxt'] ?? '').replace('kind: KIND_CPU', `kind: KIND_CPU ${limiter}`),
  };
}

test('models that share a resource execute one after the other', LIMIT, async () => {
  await using repository = makeRepository();
  for (const name of ['a', 'b', 'c']) repository.write(name, limited(1));
  const flags = ['--rate-limit=execution_count', '--rate-limit-resource=slot:1'];
  await using server = await startServer(repository.path, ...flags);
  const client = new HttpClient(server.http);
  const started = performance.now();
  await Promise.all(
    ['a', 'b', 'c'].map((name) => client.infer(name, [InferInput.from('INPUT0', Int32Array.of(1))])),
  );
  // Timers may be a little early.
  assert.ok(performance.now() - started >= 3 * DELAY_MS - 10);
  await client.close();
});

test(
  'a model that needs more than there is ends the start, with the resource and both counts',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    repository.write('a', limited(3));
    const flags = ['--rate-limit=execution_count', '--rate-limit-resource=slot:2'];
    const { status, output } = await runNereid('serve', `--model-repository=${repository.path}`, ...flags);
    assert.equal(status, 1);
    assert.match(output, /"slot" is limited to 2 .* the minimum required count is 3/);
  },
);
