import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runStress } from '../stress/stress.ts';

const SECONDS = 10;

test(
  'no answer is lost, doubled or crossed while clients cancel, leave, overload and reload',
  { timeout: 90_000 },
  async (t) => {
    const seed = Date.now() % 1_000_000;
    t.diagnostic(`seed ${seed}: npm run test:stress -- --seed ${seed}`);
    const { models, faults } = await runStress({ seed, seconds: SECONDS });
    assert.deepEqual(faults, [], `seed ${seed}`);
    for (const [model, { answered }] of models)
      assert.ok(answered > 0, `no answers of ${model}, seed ${seed}`);
  },
);
