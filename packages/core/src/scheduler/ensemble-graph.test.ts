import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createModelConfig, type ModelConfig } from '@nereid/protocol/model-config';
import { DECOUPLED, ensemble as ensembleText, FakeEnsemble, model, step } from '../../test/fake-ensemble.ts';
import { composingModels, createEnsembleGraph } from './ensemble-graph.ts';

const FINE = createModelConfig({
  name: 'fine',
  input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [-1] }],
  output: [{ name: 'Y', data_type: 'TYPE_FP32', dims: [-1] }],
});

type Init = NonNullable<Parameters<typeof createModelConfig>[0]>;
const stepOf = (input: Record<string, string>, output: Record<string, string>) => ({
  model_name: 'fine',
  model_version: -1,
  input_map: input,
  output_map: output,
});

const ensemble = (fields: Init = {}): ModelConfig =>
  createModelConfig({
    name: 'ens',
    input: [{ name: 'IN', data_type: 'TYPE_FP32', dims: [-1] }],
    output: [{ name: 'OUT', data_type: 'TYPE_FP32', dims: [-1] }],
    ensemble_scheduling: { step: [stepOf({ X: 'IN' }, { Y: 'a' }), stepOf({ X: 'a' }, { Y: 'OUT' })] },
    ...fields,
  });

const build = (config: ModelConfig, model: ModelConfig = FINE) =>
  createEnsembleGraph(config, new Map([['fine', model]]));
const refused = (config: ModelConfig, message: RegExp, model?: ModelConfig): void => {
  assert.throws(() => build(config, model), { code: 'INVALID_ARG', message });
};

describe('createEnsembleGraph', () => {
  test('links tensors and steps by their places', () => {
    const graph = build(ensemble());
    const [, middle] = graph.tensors;
    assert.deepEqual([middle?.name, middle?.maker, middle?.readers], ['a', 0, [1]]);
    assert.deepEqual(
      graph.nodes.map(({ reads, scope }) => [reads, scope]),
      [
        [[0], -1],
        [[1], -1],
      ],
    );
  });

  test('names a model tensor that does not exist', () => {
    const wrongInput = ensemble({ ensemble_scheduling: { step: [stepOf({ ZZ: 'IN' }, { Y: 'OUT' })] } });
    refused(
      wrongInput,
      /in ensemble ens, ensemble tensor IN is mapping to non-existing input ZZ in model fine/,
    );
    const wrongOutput = ensemble({ ensemble_scheduling: { step: [stepOf({ X: 'IN' }, { ZZ: 'OUT' })] } });
    refused(wrongOutput, /ensemble tensor OUT is mapped from non-existing output ZZ in model fine/);
  });

  test('tells who disagrees on a datatype', () => {
    const config = ensemble({ input: [{ name: 'IN', data_type: 'TYPE_INT32', dims: [-1] }] });
    refused(
      config,
      /tensor IN: inconsistent data type: TYPE_INT32 is inferred from model ens while TYPE_FP32 is inferred from model fine/,
    );
  });

  test('tells who disagrees on a shape', () => {
    const config = ensemble({ input: [{ name: 'IN', data_type: 'TYPE_FP32', dims: [2, 2] }] });
    refused(
      config,
      /inconsistent shape: \[2,2\] is inferred from model ens while \[-1\] is inferred from model fine/,
    );
  });

  test('counts the batch dimension as one of the shape', () => {
    const batched = createModelConfig({ ...FINE, max_batch_size: 8 });
    const config = ensemble({
      input: [{ name: 'IN', data_type: 'TYPE_FP32', dims: [-1, 3] }],
      output: [{ name: 'OUT', data_type: 'TYPE_FP32', dims: [-1, 3] }],
    });
    assert.equal(build(config, batched).nodes.length, 2);
  });

  test('compares what the steps see of tensors of the ensemble that it reshapes', () => {
    const reshape = { shape: [-1] };
    const config = ensemble({
      input: [{ name: 'IN', data_type: 'TYPE_FP32', dims: [-1, 2], reshape }],
      output: [{ name: 'OUT', data_type: 'TYPE_FP32', dims: [2, -1], reshape }],
    });
    assert.equal(build(config).nodes.length, 2);
  });

  test('refuses a smaller batch size in a step', () => {
    refused(
      ensemble({ max_batch_size: 8 }),
      /only allows maximum batch size to be 4/,
      createModelConfig({ ...FINE, max_batch_size: 4 }),
    );
  });

  test('names a required input that nothing feeds', () => {
    const two = createModelConfig({
      ...FINE,
      input: [...FINE.input, { name: 'X2', data_type: 'TYPE_FP32', dims: [1] }],
    });
    refused(ensemble(), /input X2 in model fine is not mapped/, two);
  });
});

test('composingModels gives each model once', () => {
  assert.deepEqual(composingModels(ensemble()), ['fine']);
});

describe('decoupled steps', () => {
  const MODELS = [
    model('one', ['X'], ['Y'], DECOUPLED),
    model('two', ['X'], ['Y'], DECOUPLED),
    model('sum', ['L', 'R'], ['S']),
  ];
  const branches = [step('one', { X: 'IN' }, { Y: 'a' }), step('two', { X: 'IN' }, { Y: 'b' })];

  test('refuses a step fed by two of them, naming both', () => {
    const config = ensembleText(
      ['IN'],
      ['OUT'],
      [...branches, step('sum', { L: 'a', R: 'b' }, { S: 'OUT' })],
    );
    assert.throws(() => new FakeEnsemble(config, MODELS), {
      code: 'INVALID_ARG',
      message:
        /step 2 of model 'sum' receives inputs originated from different decoupled models: tensor 'a' and 'b' of steps 0 and 1/,
    });
  });

  test('refuses outputs of two of them', () => {
    const config = ensembleText(['IN'], ['a', 'b'], branches);
    assert.throws(() => new FakeEnsemble(config, MODELS), {
      code: 'INVALID_ARG',
      message: /output 'a' and output 'b' come from different decoupled models, of steps 0 and 1/,
    });
  });

  test('tells the place of a mistake in the configuration', () => {
    const places: string[] = [];
    const refuse = (path: string, message: string): never => {
      places.push(path);
      throw new Error(message);
    };
    const config = ensemble({ ensemble_scheduling: { step: [stepOf({ ZZ: 'IN' }, { Y: 'OUT' })] } });
    assert.throws(
      () => createEnsembleGraph(config, new Map([['fine', FINE]]), refuse),
      /non-existing input ZZ/,
    );
    assert.deepEqual(places, ['ensemble_scheduling.step[0].input_map["ZZ"]']);
  });
});
