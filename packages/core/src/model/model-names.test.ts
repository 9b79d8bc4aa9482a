import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelIdentifier } from '../model-identifier.ts';
import { ModelNames } from './model-names.ts';

const A = modelIdentifier('/a', 'model');
const B = modelIdentifier('/b', 'model');

function namesOf(...ids: readonly ReturnType<typeof modelIdentifier>[]): ModelNames {
  const names = new ModelNames(true);
  for (const id of ids) names.add(id);
  return names;
}

test('a name that one model has stands for it, whoever asks', () => {
  const names = namesOf(A, modelIdentifier('/b', 'other'));
  assert.equal(names.resolve('model', ''), A);
  assert.equal(names.resolve('model', '/a'), A);
  assert.equal(names.resolve('model', '/b'), A);
});

test('of several models of a name, the one in the namespace of who asks is meant', () => {
  const names = namesOf(A, B);
  assert.equal(names.resolve('model', '/a'), A);
  assert.equal(names.resolve('model', '/b'), B);
});

test('a name of several models in other namespaces is refused, naming these', () => {
  for (const namespace of ['', '/c']) {
    assert.throws(() => namesOf(B, A).resolve('model', namespace), {
      code: 'INVALID_ARG',
      message: /^There are 2 identifiers of model 'model' .* resolve ambiguity: it is in '\/a', '\/b'/,
    });
  }
});

test('a name is unambiguous again once the other model has gone', () => {
  const names = namesOf(A, B);
  names.delete(A);
  assert.equal(names.resolve('model', '/a'), B);
});

test('a name without models stands for nothing, and is remembered', () => {
  const names = namesOf(A);
  names.delete(A);
  assert.equal(names.resolve('model', '/a'), undefined);
  assert.deepEqual([names.isKnown('model'), names.isKnown('other')], [true, false]);
});

test('without namespaces every name stands for itself', () => {
  assert.equal(new ModelNames(false).resolve('model', ''), 'model');
});
