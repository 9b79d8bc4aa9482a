import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelIdentifier, nameOf, namespaceOf } from './model-identifier.ts';

test('without a namespace the identifier of a model is its name', () => {
  const id = modelIdentifier('', 'addsub');
  assert.equal(id, 'addsub');
  assert.equal(namespaceOf(id), '');
  assert.equal(nameOf(id), 'addsub');
});

for (const namespace of ['models', 'a/b', '/srv/models', '/srv/models/', './models', 'a::b', '/']) {
  test(`namespace '${namespace}' comes out of an identifier as it went in`, () => {
    const id = modelIdentifier(namespace, 'add::sub');
    assert.equal(namespaceOf(id), namespace);
    assert.equal(nameOf(id), 'add::sub');
  });
}
