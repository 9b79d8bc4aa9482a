import assert from 'node:assert/strict';
import test from 'node:test';
import type { ForeignFamily } from '@nereid/backend-sdk';
import { Exposition } from './exposition.ts';
import { ForeignMetrics } from './foreign-metrics.ts';

function family(init: Partial<ForeignFamily> = {}): ForeignFamily {
  return { name: 'vllm:x', help: 'What x is.', type: 'gauge', samples: ['vllm:x{model="a"} 1'], ...init };
}

function setUp(longestMs = 1000) {
  const warnings: string[] = [];
  const foreign = new ForeignMetrics({ warn: (message) => warnings.push(message), longestMs });
  const page = (taken: Readonly<Record<string, string>> = {}): string => {
    const exposition = new Exposition();
    foreign.render(exposition, (name) => taken[name]);
    return exposition.toString();
  };
  return { foreign, page, warnings };
}

test("shows another program's family with its samples as they are", async () => {
  const { foreign, page } = setUp();
  foreign.add(() => Promise.resolve([family()]));
  await foreign.refresh();
  assert.equal(page(), '# HELP vllm:x What x is.\n# TYPE vllm:x gauge\nvllm:x{model="a"} 1\n');
});

test('families of one name stand once, with the samples of all programs', async () => {
  const { foreign, page } = setUp();
  foreign.add(() => Promise.resolve([family()]));
  foreign.add(() => Promise.resolve([family({ samples: ['vllm:x{model="b"} 2'] })]));
  await foreign.refresh();
  assert.deepEqual(page().split('\n').slice(1, 4), [
    '# TYPE vllm:x gauge',
    'vllm:x{model="a"} 1',
    'vllm:x{model="b"} 2',
  ]);
});

test('a family with a name that the server has is left out, with one warning', async () => {
  const { foreign, page, warnings } = setUp();
  foreign.add(() => Promise.resolve([family({ name: 'nv_x' })]));
  await foreign.refresh();
  assert.equal(page({ nv_x: 'one of the server' }) + page({ nv_x: 'one of the server' }), '');
  assert.deepEqual(warnings, ["metrics 'nv_x' of another program are left out: it is one of the server"]);
});

test('of families of one name and two kinds the first is shown', async () => {
  const { foreign, page, warnings } = setUp();
  foreign.add(() => Promise.resolve([family()]));
  foreign.add(() => Promise.resolve([family({ type: 'counter', samples: ['vllm:x 9'] })]));
  await foreign.refresh();
  assert.equal(page().includes('vllm:x 9'), false);
  assert.deepEqual(warnings, [
    "metrics 'vllm:x' of another program are left out: one program has it as gauge, another as counter",
  ]);
});

test('a program that takes too long is not waited for: what it said last is shown', async () => {
  const { foreign, page } = setUp(1);
  let count = 0;
  foreign.add(() => (count++ === 0 ? Promise.resolve([family()]) : new Promise(() => {})));
  await foreign.refresh();
  await foreign.refresh();
  assert.match(page(), /vllm:x{model="a"} 1/);
});

test('a program that has not answered yet is not asked again', async () => {
  const { foreign } = setUp(1);
  let count = 0;
  foreign.add(() => {
    count += 1;
    return new Promise(() => {});
  });
  await foreign.refresh();
  await foreign.refresh();
  assert.equal(count, 1);
});

test('a program that fails has no metrics, and the others have theirs', async () => {
  const { foreign, page } = setUp();
  foreign.add(() => Promise.reject(new Error('connection refused')));
  foreign.add(() => Promise.resolve([family()]));
  await foreign.refresh();
  assert.match(page(), /vllm:x{model="a"} 1/);
});

test('what was ended is not shown any more', async () => {
  const { foreign, page } = setUp();
  const end = foreign.add(() => Promise.resolve([family()]));
  await foreign.refresh();
  end();
  assert.equal(page(), '');
});
