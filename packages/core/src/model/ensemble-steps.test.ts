import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePbtxt, type ModelConfig } from '@nereid/protocol/model-config';
import { modelIdentifier, type ModelIdentifier } from '../model-identifier.ts';
import { resolveSteps, stepNames, withNamespaces } from './ensemble-steps.ts';

const A = modelIdentifier('/a', 'part');
const B = modelIdentifier('/b', 'part');

/** An ensemble whose steps are these: fields of `step`. */
function ensembleOf(...steps: readonly string[]): ModelConfig {
  const text = steps.map((step) => `step { ${step} }`).join(' ');
  return parsePbtxt(`ensemble_scheduling { ${text} }`, { file: 'ensemble/config.pbtxt' });
}

function resolve(
  config: ModelConfig,
  namespace: string,
  candidates: readonly ModelIdentifier[],
  isNamespaced = true,
): readonly ModelIdentifier[] {
  return resolveSteps(config, {
    ensemble: modelIdentifier(namespace, 'ensemble'),
    isNamespaced,
    candidatesOf: (name) => (name === 'part' ? candidates : []),
  });
}

test("a step takes the model of the ensemble's own namespace", () => {
  assert.deepEqual(resolve(ensembleOf('model_name: "part"'), '/b', [A, B]), [B]);
});

test('a step takes the only model of its name, wherever that is', () => {
  assert.deepEqual(resolve(ensembleOf('model_name: "part"'), '/c', [A]), [A]);
});

test('a step takes the model of the namespace that it names', () => {
  const config = ensembleOf('model_name: "part" model_namespace: "/a"', 'model_name: "part"');
  assert.deepEqual(resolve(config, '/b', [A, B]), [A, B]);
});

test('models that are missing or ambiguous are named, with where they are', () => {
  const config = ensembleOf(
    'model_name: "missing"',
    'model_name: "part"',
    'model_name: "part" model_namespace: "/d"',
  );
  assert.throws(() => resolve(config, '/c', [B, A]), {
    code: 'NOT_FOUND',
    message:
      'ensemble /c/ensemble contains models that are not available or ambiguous: missing (in no repository), ' +
      "part (in '/a', '/b'; 'model_namespace' of the step can name one), part (in '/a', '/b', not in '/d')",
  });
});

test('the place of the first step without a model comes first', () => {
  const context = {
    ensemble: modelIdentifier('', 'ensemble'),
    isNamespaced: false,
    candidatesOf: (name: string) => (name === 'part' ? [A] : []),
    placeOf: (path: string) => `${path}: `,
  };
  assert.throws(() => resolveSteps(ensembleOf('model_name: "part"', 'model_name: "missing"'), context), {
    message:
      /^ensemble_scheduling\.step\[1\]\.model_name: ensemble ensemble contains .*: missing \(in no repository\)$/,
  });
});

test('a namespace named by a step is no other model where it is the only one', () => {
  assert.throws(() => resolve(ensembleOf('model_name: "part" model_namespace: "/b"'), '/a', [A]), {
    message: /ambiguous: part \(in '\/a', not in '\/b'\)$/,
  });
});

test('without namespaces a step stands for its name, whatever namespace it names', () => {
  const part = modelIdentifier('', 'part');
  const config = ensembleOf('model_name: "part" model_namespace: "/b"');
  assert.deepEqual(resolve(config, '', [part], false), [part]);
  const [step] = withNamespaces(config, [part]).ensemble_scheduling?.step ?? [];
  assert.equal(step?.model_namespace, '');
});

test('the configuration shows the namespace of each step', () => {
  const shown = withNamespaces(ensembleOf('model_name: "part"', 'model_name: "part"'), [A, B]);
  const namespaces = shown.ensemble_scheduling?.step.map((step) => step.model_namespace);
  assert.deepEqual(namespaces, ['/a', '/b']);
});

test('a model that is no ensemble has no steps', () => {
  const config = parsePbtxt('backend: "identity"', { file: 'model/config.pbtxt' });
  assert.deepEqual(stepNames(config), []);
  assert.deepEqual(resolve(config, '/a', [A]), []);
  assert.equal(withNamespaces(config, []), config);
});
