import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearestName } from './nearest-name.ts';

const NAMES = ['max_batch_size', 'dynamic_batching', 'name', 'dims', 'input', 'output'];

for (const [slip, name] of [
  ['max_batchsize', 'max_batch_size'],
  ['dynamic_bacthing', 'dynamic_batching'],
  ['Dims', 'dims'],
  ['dim', 'dims'],
  ['nmae', 'name'],
  ['inputs', 'input'],
] as const) {
  test(`${slip} is near ${name}`, () => {
    assert.equal(nearestName(slip, NAMES), name);
  });
}

test('two neighbours swapped count as one slip', () => {
  assert.equal(nearestName('abdc', ['abxx', 'abcd']), 'abcd');
});

test('nothing is near a different word', () => {
  assert.equal(nearestName('colour', NAMES), undefined);
  assert.equal(nearestName('', NAMES), undefined);
});

test('the first of equally near names is taken', () => {
  assert.equal(nearestName('xa', ['xb', 'xc']), 'xb');
});

test('a very long name costs nothing', () => {
  assert.equal(nearestName('a'.repeat(1_000_000), NAMES), undefined);
});

test('the hint is empty when no name is near', () => {
  assert.equal(didYouMean('dim', NAMES), "; did you mean 'dims'?");
  assert.equal(didYouMean('colour', NAMES), '');
});
