import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alternate, type Contender } from './alternate.ts';

function contender(name: string, speeds: readonly number[], log: string[], errors = 0): Contender {
  let round = 0;
  return {
    name,
    load: (seconds) => {
      log.push(`${name} ${seconds}`);
      const requestsPerSecond = speeds[round++] ?? 1;
      return Promise.resolve({ requestsPerSecond, p50Us: 10, errors });
    },
  };
}

const ROUNDS = { scenario: 's', name: 'n', rounds: 3, seconds: 2, warmUpSeconds: 1 };

test('loads both in turn and takes the ratio round by round, the warm-up left out', async () => {
  const log: string[] = [];
  const base = contender('base', [1, 100, 200, 50], log);
  const subject = contender('subject', [1, 80, 100, 45], log);
  const figure = await alternate({ ...ROUNDS, base, subject, goal: 0.6 });
  assert.deepEqual(log, ['base 1', 'subject 1', ...Array<string[]>(3).fill(['base 2', 'subject 2']).flat()]);
  assert.deepEqual(figure.ratio, { median: 0.8, min: 0.5, max: 0.9 });
  assert.equal(figure.base.requestsPerSecond.median, 100);
  assert.equal(figure.goal, 0.6);
});

test('a round with failed requests is no measurement', async () => {
  const base = contender('base', [], []);
  const subject = contender('subject', [], [], 2);
  await assert.rejects(alternate({ ...ROUNDS, base, subject }), /subject: 2 requests failed/);
});
