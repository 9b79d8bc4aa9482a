import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseEngine } from './engine-choice.ts';

const busy = { load: 9 };
const idle = { load: 2 };
const alsoIdle = { load: 2 };

test('takes the engine with the least to do, in turn where several have', () => {
  const chosen = [0, 1, 2, 3].map((turn) => chooseEngine([busy, idle, alsoIdle], undefined, turn));
  assert.deepEqual(
    chosen.map((engine) => [idle, alsoIdle].findIndex((candidate) => candidate === engine)),
    [0, 1, 0, 1],
  );
});

test('prefers the engine that knows the prompt while it has little more to do', () => {
  const knows = { load: 6 };
  assert.equal(chooseEngine([idle, knows], knows, 0), knows);
  assert.equal(chooseEngine([idle, { ...knows, load: 7 }], busy, 0), idle);
  assert.equal(chooseEngine([idle, busy], busy, 0), idle);
});

test('a quarter more is little where there is much', () => {
  const knows = { load: 125 };
  assert.equal(chooseEngine([{ load: 100 }, knows], knows, 0), knows);
  const overloaded = { load: 126 };
  assert.notEqual(chooseEngine([{ load: 100 }, overloaded], overloaded, 0), overloaded);
});

test('one that knows the prompt and can not take it is not taken', () => {
  assert.equal(chooseEngine([busy], idle, 0), busy);
});

test('none where there is none', () => {
  assert.equal(chooseEngine([], undefined, 0), undefined);
});
