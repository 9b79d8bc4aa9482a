import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseLoad, type LoadSource } from './choose-load.ts';
import type { HttpTarget, LoadGenerator } from './load.ts';
import { ownHttpLoad } from './own-http.ts';

const ABSENT = 'nereid-bench-no-such-program';

function source(changes: Partial<LoadSource<HttpTarget>>): LoadSource<HttpTarget> {
  return {
    name: ABSENT,
    variable: 'NEREID_BENCH_NO_SUCH_VARIABLE',
    protocol: 'HTTP',
    setUp: (cache) => ({ path: `${cache}/tool`, environment: {} }),
    create: ({ path }): Promise<LoadGenerator<HttpTarget>> => Promise.resolve({ ...ownHttpLoad, name: path }),
    own: ownHttpLoad,
    ...changes,
  };
}

test('a program that is not there is set up', async () => {
  const { load, notes } = await chooseLoad(source({}));
  assert.match(load.name, /nereid-bench.tool$/);
  assert.deepEqual(notes, []);
});

test('a program that is there is not set up', async () => {
  const setUp = (): never => assert.fail('set up for nothing');
  const { load } = await chooseLoad(source({ name: 'sh', setUp }));
  assert.match(load.name, /sh$/);
});

test('where nothing can be set up our own generator makes the load, and the note says why', async () => {
  const setUp = (): never => {
    throw new Error('no apt-get here');
  };
  const { load, notes } = await chooseLoad(source({ setUp }));
  assert.equal(load, ownHttpLoad);
  assert.match(notes.join(), new RegExp(`${ABSENT}.*no apt-get here.*our own generator`));
});

test('a program that does not run is no load generator', async () => {
  const create = (): Promise<never> => Promise.reject(new Error('exec format error'));
  const { load, notes } = await chooseLoad(source({ create }));
  assert.equal(load, ownHttpLoad);
  assert.match(notes.join(), /exec format error/);
});
